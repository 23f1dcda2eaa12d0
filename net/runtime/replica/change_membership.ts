/**
 * One change of the members, from its proposal to what became of it.
 * Callers: replica.ts, in a turn.
 */
import type { ConfigurationChange } from "../../../core/raft/configuration.ts";
import type { EntryWaiters } from "./entry_waiters.ts";
import type { ReplicaRaft } from "./ready_worker.ts";
import type { ChangeOutcome } from "./types.ts";

/** Resolves when the change is committed, refused, or its outcome is open. */
export function proposeChange(
  raft: ReplicaRaft,
  waiters: EntryWaiters,
  change: ConfigurationChange,
): ChangeOutcome | Promise<ChangeOutcome> {
  const result = raft.proposeConfigurationChange(change);
  if (!result.ok) return result;
  const { index } = result;
  const { term } = raft.status;
  return new Promise((resolve) =>
    waiters.add({
      index,
      term,
      committed: () => resolve({ ok: true }),
      lost: () => resolve({ ok: false, reason: "lost" }),
      undecided: () => resolve({ ok: false, reason: "unknown" }),
      refused: () => resolve({ ok: false, reason: "lost" }),
    })
  );
}
