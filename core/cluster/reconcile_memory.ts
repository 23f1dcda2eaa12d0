/**
 * What reconcile.ts has to remember between two calls: since when members are
 * gone, and how often a node has been added or moved lately.
 */
import type { ConfigurationChange, NodeId } from "../raft/configuration.ts";
import type { ReconcileInput, ReconcileMemory } from "./reconcile_types.ts";

export const NO_MEMORY: ReconcileMemory = {
  goneSinceMs: new Map(),
  changes: new Map(),
};

/** The memory once `change` has been accepted by Raft. */
export function withChange(
  memory: ReconcileMemory,
  change: ConfigurationChange,
  nowMs: number,
): ReconcileMemory {
  if (change.kind !== "add_learner" && change.kind !== "readdress") {
    return memory;
  }
  const id = change.kind === "add_learner" ? change.member.id : change.id;
  const count = (memory.changes.get(id)?.count ?? 0) + 1;
  const changes = new Map(memory.changes).set(id, { count, lastMs: nowMs });
  return { ...memory, changes };
}

export function remember(input: ReconcileInput): ReconcileMemory {
  const { memory, nowMs, raft, nodes, config } = input;
  const goneSinceMs = new Map<NodeId, number>();
  for (const { id } of raft.configuration.members) {
    const views = nodes.filter((node) => node.id === id);
    const isAlive = views.some(({ status }) => status === "alive");
    if (id === raft.id || isAlive) continue;
    const sinceMs = memory.goneSinceMs.get(id) ?? views[0]?.sinceMs ?? nowMs;
    goneSinceMs.set(id, sinceMs);
  }
  const recent = [...memory.changes].filter(([, { lastMs }]) =>
    nowMs - lastMs < 2 * config.dampingMaxMs
  );
  return { goneSinceMs, changes: new Map(recent) };
}

/** The more often a node came and went, the longer it waits. */
export function isDamped(
  { memory, nowMs, config }: Pick<
    ReconcileInput,
    "memory" | "nowMs" | "config"
  >,
  id: NodeId,
): boolean {
  const known = memory.changes.get(id);
  if (known === undefined) return false;
  const doubled = config.dampingFirstMs * 2 ** Math.min(known.count - 1, 30);
  return nowMs - known.lastMs < Math.min(config.dampingMaxMs, doubled);
}
