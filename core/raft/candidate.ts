/**
 * What a node does while it campaigns: count answers, campaign again when the
 * time is over, and give way to a leader of its term.
 */
import { tally, tickElection } from "./election.ts";
import { stepFollower } from "./follower.ts";
import { isFromLeader, type Message, type VoteResponse } from "./messages.ts";
import { becomeFollower, type CandidateRole, type RaftState } from "./state.ts";

export function tickCandidate(state: RaftState): void {
  tickElection(state);
}

/** A message of the own term. */
export function stepCandidate(
  state: RaftState,
  role: CandidateRole,
  message: Message,
): void {
  if (isFromLeader(message)) {
    becomeFollower(state, { term: message.term, leaderId: message.from });
    if (state.role.kind === "follower") {
      stepFollower(state, state.role, message);
    }
  } else if (
    message.kind === "vote_response" && role.kind === "candidate"
  ) {
    role.votes.set(message.from, message.vote);
    tally(state);
  } else if (
    message.kind === "pre_vote_response" && role.kind === "pre_candidate"
  ) {
    role.votes.set(message.from, message.vote);
    tally(state);
  }
}

/** A granted pre-vote names the term that the candidate asked for. */
export function stepPreVoteGranted(
  state: RaftState,
  response: VoteResponse,
): void {
  const { role } = state;
  if (role.kind !== "pre_candidate") return;
  if (response.term !== state.term + 1) return;
  role.votes.set(response.from, "granted");
  tally(state);
}
