/**
 * What a follower (or learner) does: take the leader's entries where they fit,
 * drop its own where they conflict, and say what it has (Raft paper, section
 * 5.3). Every acknowledgement leaves after the entries are durable.
 */
import { type LogIndex, logIndex, term } from "../ids.ts";
import { assert } from "../assert.ts";
import { commitTo } from "./commit.ts";
import { campaign, mayCampaign, tickElection } from "./election.ts";
import { adoptConfiguration, rollBackConfiguration } from "./leadership.ts";
import type { Append, Heartbeat, Message, ReceivedEntry } from "./messages.ts";
import { confirmOwnRead } from "./read_index.ts";
import type { PersistEntry } from "./ready.ts";
import { receiveSnapshot } from "./snapshot.ts";
import {
  emit,
  envelope,
  type FollowerRole,
  type RaftState,
  resetElectionTimer,
  send,
  sendAfterPersist,
  setLeader,
} from "./state.ts";

export function tickFollower(state: RaftState): void {
  tickElection(state);
}

/** A message of the own term. */
export function stepFollower(
  state: RaftState,
  role: FollowerRole,
  message: Message,
): void {
  switch (message.kind) {
    case "append":
      hearLeader(state, message.from);
      role.incoming = undefined;
      return receiveAppend(state, message);
    case "heartbeat":
      hearLeader(state, message.from);
      return receiveHeartbeat(state, message);
    case "snapshot":
      hearLeader(state, message.from);
      return receiveSnapshot(state, role, message);
    case "timeout_now":
      if (mayCampaign(state)) campaign(state, "transfer");
      return;
    case "read_response":
      return confirmOwnRead(state, message);
    default:
      // Answers to what it asked in an earlier role.
      return;
  }
}

function hearLeader(state: RaftState, leaderId: string): void {
  assert(
    state.leaderId === undefined || state.leaderId === leaderId,
    `Term ${state.term} has two leaders: ${state.leaderId} and ${leaderId}`,
  );
  setLeader(state, leaderId);
  state.leaderContactMs = state.nowMs;
  resetElectionTimer(state);
}

function receiveHeartbeat(state: RaftState, heartbeat: Heartbeat): void {
  const { commitIndex } = heartbeat;
  if (commitIndex <= state.entries.lastIndex) commitTo(state, commitIndex);
  send(state, {
    ...envelope(state, heartbeat.from),
    kind: "heartbeat_response",
    round: heartbeat.round,
  });
}

function receiveAppend(state: RaftState, append: Append): void {
  if (append.prevIndex < state.commitIndex) {
    // An old message, or a leader that does not know yet how far we are.
    return accept(state, append, state.commitIndex);
  }
  if (state.entries.termAt(append.prevIndex) !== append.prevTerm) {
    return reject(state, append);
  }
  appendNew(state, append.entries);
  const last = logIndex(append.prevIndex + append.entries.length);
  commitTo(state, logIndex(Math.min(append.commitIndex, last)));
  accept(state, append, last);
}

/** Skips what is there already; only a conflict removes anything. */
function appendNew(
  state: RaftState,
  received: readonly ReceivedEntry[],
): void {
  const isKnown = (entry: ReceivedEntry): boolean =>
    state.faults.has("forget_to_truncate")
      ? entry.index <= state.entries.lastIndex
      : state.entries.termAt(entry.index) === entry.term;
  const firstNew = received.findIndex((entry) => !isKnown(entry));
  if (firstNew === -1) return;
  const fresh = received.slice(firstNew);
  const from = fresh[0]?.index;
  if (from !== undefined && from <= state.entries.lastIndex) {
    truncateFrom(state, from);
  }
  for (const entry of fresh) appendRaw(state, entry);
}

function truncateFrom(state: RaftState, from: LogIndex): void {
  assert(
    from > state.commitIndex,
    `Cannot truncate from ${from} as ${state.commitIndex} is committed`,
  );
  state.entries.truncateFrom(from);
  state.durability.truncatedFrom(from);
  emit(state, { kind: "truncated", from });
  rollBackConfiguration(state, from);
}

function appendRaw(state: RaftState, received: ReceivedEntry): void {
  const { index, term, raw } = received;
  const entry: PersistEntry = { kind: "raw", index, term, raw };
  state.entries.append(entry);
  if (received.kind === "configuration") {
    adoptConfiguration(state, { index, configuration: received.configuration });
  }
}

function accept(state: RaftState, append: Append, matchIndex: LogIndex): void {
  const accepted = {
    ...envelope(state, append.from),
    kind: "append_accepted",
    matchIndex,
  } as const;
  if (state.faults.has("ack_before_sync")) {
    state.output.sendNow.push(accepted);
  } else sendAfterPersist(state, accepted);
}

/** Hints at the last entry that could still match, to skip whole terms. */
function reject(state: RaftState, append: Append): void {
  const { prevIndex, prevTerm } = append;
  const hintIndex = state.entries.lastIndexOfTerm(prevIndex, prevTerm);
  send(state, {
    ...envelope(state, append.from),
    kind: "append_rejected",
    prevIndex,
    hintIndex,
    hintTerm: state.entries.termAt(hintIndex) ?? term(0),
  });
}
