/** Deliberate bugs by name: of the protocol, of the runtime, of the log and its syncs. */
import type { RaftFault } from "../../../core/raft/faults.ts";
import type { ReplicaFault } from "../../../net/runtime/replica/types.ts";
import type { PlantedFaults } from "./replica_node.ts";

const REPLICA_FAULTS: readonly ReplicaFault[] = [
  "apply_twice",
  "forget_appended_producers",
  "lose_producers_on_reset",
];

export function plant(name: string): Partial<PlantedFaults> {
  if (name === "sync_never") return { fsync: "never" };
  if (name === "trust_torn_tail") return { log: new Set([name]) };
  const own = REPLICA_FAULTS.find((fault) => fault === name);
  if (own !== undefined) return { replica: new Set([own]) };
  return { raft: new Set([name as RaftFault]) };
}
