/**
 * Moving the commit index, for all roles, and the leader's rule of when: a
 * majority of voters has the entry durably, and it is of the leader's own term
 * (Raft paper, section 5.4.2).
 */
import { assert } from "../assert.ts";
import { type LogIndex, logIndex } from "../ids.ts";
import { reachedByMajority } from "./quorum.ts";
import { emit, type LeaderRole, type RaftState, voters } from "./state.ts";

export function commitTo(state: RaftState, index: LogIndex): void {
  if (index <= state.commitIndex) return;
  assert(
    index <= state.entries.lastIndex,
    `Cannot commit ${index} as the log ends at ${state.entries.lastIndex}`,
  );
  const before = state.commitIndex;
  state.commitIndex = index;
  const { configurations } = state;
  const changed = configurations.latest.index;
  if (changed > before && changed <= index) {
    emit(state, { kind: "configuration_committed", index: changed });
  }
  configurations.prune(state.entries.start.index);
}

/** Returns whether the commit index moved. */
export function commitByCount(state: RaftState, role: LeaderRole): boolean {
  const reached = reachedByMajority(
    voters(state),
    (id) =>
      id === state.id
        ? state.durability.durableIndex
        : role.progress.get(id)?.matchIndex ?? 0,
  );
  const index = logIndex(reached);
  if (index <= state.commitIndex) return false;
  const isOwnTerm = state.entries.termAt(index) === state.term;
  if (!isOwnTerm && !state.faults.has("commit_old_term")) return false;
  commitTo(state, index);
  role.uncommitted.committed(index);
  return true;
}

/** Whether the leader knows what is committed: an entry of its own term is. */
export function isTermCommitted(state: RaftState, role: LeaderRole): boolean {
  return state.commitIndex >= role.termStartIndex;
}
