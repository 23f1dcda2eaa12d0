/**
 * Linearizable reads without writing to the log (Raft dissertation, section
 * 6.4): by a round of heartbeats, or by the leader's lease, which trusts clocks
 * to run at about the same pace. A follower asks its leader.
 */
import { isTermCommitted } from "./commit.ts";
import type { NodeId } from "./configuration.ts";
import { reachedByMajority } from "./quorum.ts";
import type { ConfirmedRead, Read } from "./read_queue.ts";
import {
  envelope,
  type LeaderRole,
  type RaftState,
  send,
  voters,
} from "./state.ts";

export type ReadMode = "quorum" | "lease";

/** Takes a read in; `false` when too many are waiting. */
export function addRead(
  state: RaftState,
  role: LeaderRole,
  read: Read & { mode: ReadMode },
): boolean {
  if (role.reads.pendingCount >= state.config.readsPendingMax) return false;
  const isLeased = read.mode === "lease" && isTermCommitted(state, role) &&
    holdsLease(state, role);
  if (isLeased || state.faults.has("read_without_quorum")) {
    answer(state, { ...read, index: state.commitIndex });
  } else {
    role.reads.add({ context: read.context, from: read.from });
  }
  return true;
}

/** Answers the reads whose round a majority of the voters has echoed. */
export function confirmReads(state: RaftState, role: LeaderRole): void {
  for (const read of role.reads.confirm(confirmedRound(state, role))) {
    answer(state, read);
  }
}

/** Hands out reads that are confirmed and whose index has been applied. */
export function releaseReads(state: RaftState): void {
  const { readsToApply } = state;
  const ready = readsToApply.filter((read) => read.index <= state.appliedIndex);
  if (ready.length === 0) return;
  const waiting = readsToApply.filter((read) =>
    read.index > state.appliedIndex
  );
  readsToApply.splice(0, readsToApply.length, ...waiting);
  for (const read of ready) state.output.readStates.push({ ok: true, ...read });
}

/** Adds a confirmed read of this node. */
export function confirmOwnRead(
  state: RaftState,
  read: Pick<ConfirmedRead, "context" | "index">,
): void {
  state.readsToApply.push({ context: read.context, index: read.index });
  releaseReads(state);
}

function answer(state: RaftState, read: ConfirmedRead): void {
  if (read.from === state.id) return confirmOwnRead(state, read);
  send(state, {
    ...envelope(state, read.from),
    kind: "read_response",
    context: read.context,
    index: read.index,
  });
}

/**
 * Voters refuse to vote for an election timeout after a heartbeat came, and it
 * came after its round began here: until then there is no other leader.
 */
function holdsLease(state: RaftState, role: LeaderRole): boolean {
  if (role.isLeaseBroken) return false;
  const startedMs = role.reads.startedMs(confirmedRound(state, role));
  if (startedMs === undefined) return false;
  const { electionTimeoutMs, clockDriftMaxMs } = state.config;
  return state.nowMs < startedMs + electionTimeoutMs - clockDriftMaxMs;
}

function confirmedRound(state: RaftState, role: LeaderRole): number {
  const roundOf = (id: NodeId): number =>
    id === state.id ? role.reads.round : role.progress.get(id)?.round ?? 0;
  return reachedByMajority(voters(state), roundOf);
}
