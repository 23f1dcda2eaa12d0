/**
 * Elections (Raft paper, section 5.2; pre-vote and leader stickiness:
 * dissertation, sections 9.6 and 4.2.3): when to campaign, and how to answer
 * those who do. Counting the answers is in candidate.ts.
 */
import { term } from "../ids.ts";
import { votersOf } from "./configuration.ts";
import { startLeading } from "./leadership.ts";
import type { PreVoteRequest, VoteRequest } from "./messages.ts";
import { countVotes } from "./quorum.ts";
import {
  becomeCandidate,
  becomeFollower,
  envelope,
  isVoter,
  type RaftState,
  resetElectionTimer,
  send,
  sendAfterPersist,
  setHardState,
  voters,
} from "./state.ts";

/** Campaigns when no leader was heard of for long enough. */
export function tickElection(state: RaftState): void {
  if (state.nowMs < state.electionDeadlineMs) return;
  resetElectionTimer(state);
  if (mayCampaign(state)) campaignForPreVotes(state);
}

/** A node without a vote, that stops, or whose disk does not keep up, must not lead. */
export function mayCampaign(state: RaftState): boolean {
  const { waitingSinceMs } = state.durability;
  const isStalled = waitingSinceMs !== undefined &&
    state.nowMs - waitingSinceMs > state.config.diskStallMaxMs;
  return isNeeded(state) && !isStalled && !state.isWriteBlocked &&
    !state.isRetired;
}

/** For good: does not campaign any more, votes and follows as before. */
export function retire(state: RaftState): void {
  state.isRetired = true;
  const { kind } = state.role;
  if (kind === "follower" || kind === "leader") return;
  becomeFollower(state, { term: state.term, leaderId: undefined });
}

/**
 * A voter whose own removal is not committed still campaigns: it may be the only
 * one that can be elected, because the others lack that entry (dissertation,
 * section 4.2.2). It does not count itself.
 */
function isNeeded(state: RaftState): boolean {
  if (isVoter(state)) return true;
  const { latest, previous } = state.configurations;
  return previous !== undefined && latest.index > state.commitIndex &&
    votersOf(previous.configuration).includes(state.id);
}

/** Asks whether it would win, without disturbing a working leader by its term. */
function campaignForPreVotes(state: RaftState): void {
  const role = becomeCandidate(state, "pre_candidate");
  role.votes.set(state.id, "granted");
  const lastIndex = state.entries.lastIndex;
  const lastTerm = state.entries.lastTerm;
  for (const to of voters(state)) {
    if (to === state.id) continue;
    send(state, {
      ...envelope(state, to),
      kind: "pre_vote_request",
      term: term(state.term + 1),
      lastIndex,
      lastTerm,
    });
  }
  tally(state);
}

/** The real election; its own vote counts once it is durable (`persisted`). */
export function campaign(
  state: RaftState,
  cause: VoteRequest["cause"],
): void {
  setHardState(state, { term: term(state.term + 1), votedFor: state.id });
  becomeCandidate(state, "candidate");
  const lastIndex = state.entries.lastIndex;
  const lastTerm = state.entries.lastTerm;
  for (const to of voters(state)) {
    if (to === state.id) continue;
    sendAfterPersist(state, {
      ...envelope(state, to),
      kind: "vote_request",
      lastIndex,
      lastTerm,
      cause,
    });
  }
}

/** Counts the own vote when the hard state that holds it is durable. */
export function countOwnVote(state: RaftState): void {
  const { role } = state;
  if (role.kind !== "candidate" || role.votes.has(state.id)) return;
  if (state.isHardStateDirty || !state.durability.isHardStateDurable) return;
  role.votes.set(state.id, "granted");
  tally(state);
}

/** Goes on to the next stage when a majority has granted its votes. */
export function tally(state: RaftState): void {
  const { role } = state;
  if (role.kind !== "pre_candidate" && role.kind !== "candidate") return;
  const result = countVotes(voters(state), role.votes);
  if (result === "pending") return;
  if (result === "lost") {
    becomeFollower(state, { term: state.term, leaderId: undefined });
  } else if (role.kind === "pre_candidate") {
    campaign(state, "timeout");
  } else {
    startLeading(state);
  }
}

/** A pre-vote changes nothing here, so it may be granted to many. */
export function answerPreVote(
  state: RaftState,
  request: PreVoteRequest,
): void {
  if (hasFreshLeader(state)) return;
  const isNewer = request.term > state.term ||
    state.faults.has("skip_pre_vote_term_check");
  const isGranted = isNewer && isUpToDate(state, request);
  send(state, {
    ...envelope(state, request.from),
    kind: "pre_vote_response",
    term: isGranted ? request.term : state.term,
    vote: isGranted ? "granted" : "refused",
  });
}

export function answerVote(state: RaftState, request: VoteRequest): void {
  if (request.cause === "timeout" && hasFreshLeader(state)) return;
  if (request.term > state.term) {
    becomeFollower(state, { term: request.term, leaderId: undefined });
  }
  const isFree = state.votedFor === undefined ||
    state.votedFor === request.from;
  const isGranted = request.term === state.term && isFree &&
    isUpToDate(state, request);
  if (isGranted) {
    setHardState(state, { term: state.term, votedFor: request.from });
    resetElectionTimer(state);
  }
  const response = {
    ...envelope(state, request.from),
    kind: "vote_response",
    vote: isGranted ? "granted" : "refused",
  } as const;
  if (state.faults.has("vote_before_persist")) {
    state.output.sendNow.push(response);
  } else sendAfterPersist(state, response);
}

/**
 * Whether a leader may rely on this node not to vote: it leads itself, or has
 * heard of a leader within the shortest election timeout.
 */
function hasFreshLeader(state: RaftState): boolean {
  if (state.role.kind === "leader") return true;
  const silentMs = state.nowMs - state.leaderContactMs;
  return silentMs < state.config.electionTimeoutMs;
}

/** Section 5.4.1: the later last term wins, then the longer log. */
function isUpToDate(
  state: RaftState,
  candidate: PreVoteRequest | VoteRequest,
): boolean {
  const { lastIndex, lastTerm } = state.entries;
  return candidate.lastTerm > lastTerm ||
    (candidate.lastTerm === lastTerm && candidate.lastIndex >= lastIndex);
}
