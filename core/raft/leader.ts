/**
 * What a leader does on time and on its followers' answers. What it sends is
 * decided in replication.ts, once for each `ready()`.
 */
import { logIndex } from "../ids.ts";
import { assert } from "../assert.ts";
import { commitByCount } from "./commit.ts";
import { memberOf } from "./configuration.ts";
import { handOver, stepDown } from "./leadership.ts";
import { promoteLearner } from "./membership.ts";
import {
  type AppendAccepted,
  type AppendRejected,
  type HeartbeatResponse,
  isFromLeader,
  type Message,
  type SnapshotResponse,
} from "./messages.ts";
import type { Progress } from "./progress.ts";
import { reachedByMajority } from "./quorum.ts";
import { addRead, confirmReads } from "./read_index.ts";
import { beginRound, replicate, sendProbe } from "./replication.ts";
import { emit, type LeaderRole, type RaftState, voters } from "./state.ts";
import { continueTransfer, expireTransfer } from "./transfer.ts";

export function tickLeader(state: RaftState, role: LeaderRole): void {
  if (!hasQuorumContact(state, role)) return stepDown(state, "quorum_lost");
  const { waitingSinceMs } = state.durability;
  const waitedMs = state.nowMs - (waitingSinceMs ?? state.nowMs);
  if (waitedMs > state.config.diskStallMaxMs) {
    return handOver(state, role, "disk_stalled");
  }
  expireTransfer(state, role);
  forgetRemoved(state, role);
  promoteLearner(state, role);
  if (state.nowMs < role.heartbeatDueMs) return;
  role.heartbeatDueMs = state.nowMs + state.config.heartbeatIntervalMs;
  beginRound(state, role);
}

/** A message of the own term. */
export function stepLeader(
  state: RaftState,
  role: LeaderRole,
  message: Message,
): void {
  assert(
    !isFromLeader(message),
    `Term ${state.term} has two leaders: ${state.id} and ${message.from}`,
  );
  const progress = role.progress.get(message.from);
  if (progress === undefined) {
    const { from } = message;
    return emit(state, {
      kind: "message_ignored",
      from,
      reason: "unknown_member",
    });
  }
  progress.heardMs = state.nowMs;
  switch (message.kind) {
    case "append_accepted":
      return onAccepted(state, role, progress, message);
    case "append_rejected":
      return onRejected(state, progress, message);
    case "heartbeat_response":
      return onHeartbeatResponse(state, role, progress, message);
    case "snapshot_response":
      return onSnapshotResponse(progress, message);
    case "read_request":
      addRead(state, role, { ...message, mode: "quorum" });
      return;
    default:
      // Late answers to its own election.
      return;
  }
}

/** Commits what a majority has, and goes when that removes it. */
export function advanceCommit(state: RaftState, role: LeaderRole): void {
  if (!commitByCount(state, role)) return;
  const { index, configuration } = state.configurations.latest;
  const isMember = memberOf(configuration, state.id) !== undefined;
  if (isMember || index > state.commitIndex) return;
  replicate(state, role);
  handOver(state, role, "removed");
}

/** Whether a majority of the voters was heard within an election timeout. */
function hasQuorumContact(state: RaftState, role: LeaderRole): boolean {
  const contactMs = reachedByMajority(
    voters(state),
    (id) => id === state.id ? state.nowMs : role.progress.get(id)?.heardMs ?? 0,
  );
  return state.nowMs - contactMs <= state.config.electionTimeoutMs;
}

function forgetRemoved(state: RaftState, role: LeaderRole): void {
  for (const [id, progress] of role.progress) {
    if (progress.leaving === undefined) continue;
    const isTold = progress.commitSent >= progress.leaving.index;
    if (isTold || state.nowMs >= progress.leaving.deadlineMs) {
      role.progress.delete(id);
    }
  }
}

function onAccepted(
  state: RaftState,
  role: LeaderRole,
  progress: Progress,
  message: AppendAccepted,
): void {
  const { from, matchIndex } = message;
  if (matchIndex > state.entries.lastIndex) {
    return emit(state, { kind: "message_ignored", from, reason: "beyond_log" });
  }
  const isFurther = progress.accepted(matchIndex);
  const isBehind = matchIndex < state.entries.start.index;
  if (progress.state !== "replicate" && !isBehind) progress.becomeReplicate();
  if (!isFurther) return;
  advanceCommit(state, role);
  if (state.role !== role) return;
  continueTransfer(state, role);
  promoteLearner(state, role);
}

/** Goes back by whole terms: to the last entry that both may have. */
function onRejected(
  state: RaftState,
  progress: Progress,
  message: AppendRejected,
): void {
  if (progress.state === "catching_up") return;
  const isStale = message.prevIndex <= progress.matchIndex ||
    (progress.state === "probe" &&
      message.prevIndex !== progress.nextIndex - 1);
  if (isStale) return;
  if (message.hintIndex < state.entries.start.index) {
    return progress.rejected(logIndex(message.hintIndex + 1));
  }
  const common = state.entries.lastIndexOfTerm(
    message.hintIndex,
    message.hintTerm,
  );
  progress.rejected(logIndex(Math.min(common + 1, message.prevIndex)));
}

function onHeartbeatResponse(
  state: RaftState,
  role: LeaderRole,
  progress: Progress,
  message: HeartbeatResponse,
): void {
  if (message.round > progress.round) progress.round = message.round;
  confirmReads(state, role);
  const sentMs = progress.state === "replicate"
    ? progress.inflightSentMs
    : progress.waitingSinceMs;
  if (sentMs === undefined) return;
  if (state.nowMs - sentMs < state.config.heartbeatIntervalMs) return;
  if (progress.state === "replicate") sendProbe(state, message.from, progress);
  else progress.waitingSinceMs = undefined;
}

function onSnapshotResponse(
  progress: Progress,
  message: SnapshotResponse,
): void {
  const { transfer } = progress;
  if (transfer?.start.index !== message.startIndex) return;
  transfer.position = message.position;
  progress.waitingSinceMs = undefined;
}
