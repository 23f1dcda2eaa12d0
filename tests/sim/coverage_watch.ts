/**
 * Recognizes in what a node decided the things that a batch of runs must have
 * seen.
 */
import type {
  MemoryNode,
  NodeReady,
} from "../core/raft/support/memory_node.ts";
import type { Coverage } from "./coverage.ts";

export function watch(
  coverage: Coverage,
  decision: { node: MemoryNode; ready: NodeReady },
): void {
  const { ready } = decision;
  const truncates = ready.persist?.truncateFrom !== undefined;
  for (const event of ready.events) {
    switch (event.kind) {
      case "role_changed":
        if (event.role === "leader") coverage.saw("election");
        break;
      case "truncated":
        coverage.saw("truncation");
        break;
      case "reset":
        coverage.saw("reset");
        break;
      case "configuration_changed":
        if (truncates) coverage.saw("configuration_rollback");
        coverage.saw("configuration_change");
        if (event.configuration.members.length > 0) {
          watchPromotion(coverage, decision);
        }
        break;
      case "stepped_down":
        if (event.reason === "quorum_lost") coverage.saw("quorum_lost");
        if (event.reason === "disk_stalled") coverage.saw("disk_stalled");
        if (event.reason === "write_failed") coverage.saw("write_failed");
        if (event.reason === "removed") coverage.saw("leader_removal");
        break;
    }
  }
  for (const order of [...ready.sendNow, ...ready.sendAfterPersist]) {
    if (order.kind === "timeout_now") coverage.saw("transfer");
    const isLater = order.kind === "snapshot" && order.position > 0;
    if (isLater) coverage.saw("chunked_reset");
  }
}

/** A configuration with more voters than the one before it has promoted one. */
function watchPromotion(
  coverage: Coverage,
  decision: { node: MemoryNode },
): void {
  const [last, previous] = decision.node.log.configurations().toReversed();
  const countVoters = (entry: typeof last): number =>
    entry?.configuration.members.filter(({ role }) => role === "voter")
      .length ?? 0;
  if (previous !== undefined && countVoters(last) > countVoters(previous)) {
    coverage.saw("promotion");
  }
}
