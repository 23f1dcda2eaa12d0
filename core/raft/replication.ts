/**
 * What the leader sends to its followers: appends within each follower's window,
 * the start of the log to one that is behind it, heartbeats, and news of the
 * commit index. Orders only; the runtime attaches the bytes.
 */
import { type LogIndex, logIndex } from "../ids.ts";
import { assert } from "../assert.ts";
import { isTermCommitted } from "./commit.ts";
import type { NodeId } from "./configuration.ts";
import type { Progress } from "./progress.ts";
import { confirmReads } from "./read_index.ts";
import { envelope, type LeaderRole, type RaftState, send } from "./state.ts";

/** Sends whatever may be sent now; called once for each `ready()`. */
export function replicate(state: RaftState, role: LeaderRole): void {
  if (role.reads.waitingCount > 0 && isTermCommitted(state, role)) {
    beginRound(state, role);
  }
  for (const [to, progress] of role.progress) {
    switch (progress.state) {
      case "probe":
        probe(state, to, progress);
        break;
      case "replicate":
        fillWindow(state, to, progress);
        break;
      case "catching_up":
        sendChunk(state, to, progress);
        break;
    }
    const known = Math.min(progress.matchIndex, state.commitIndex);
    if (progress.commitSent < known) sendHeartbeat(state, role, to, progress);
  }
}

/** A heartbeat to everyone, which also starts a round of reads. */
export function beginRound(state: RaftState, role: LeaderRole): void {
  const commitIndex = isTermCommitted(state, role)
    ? state.commitIndex
    : undefined;
  role.reads.begin({ commitIndex, nowMs: state.nowMs });
  for (const [to, progress] of role.progress) {
    sendHeartbeat(state, role, to, progress);
  }
  confirmReads(state, role);
}

/** Sends an append without entries: the answer tells what was lost. */
export function sendProbe(
  state: RaftState,
  to: NodeId,
  progress: Progress,
): void {
  if (startIfBehind(state, to, progress)) return;
  sendAppend(state, { to, progress, last: logIndex(progress.nextIndex - 1) });
}

function probe(state: RaftState, to: NodeId, progress: Progress): void {
  if (progress.waitingSinceMs !== undefined) return;
  if (startIfBehind(state, to, progress)) return;
  const { to: last } = measure(state, progress.nextIndex);
  sendAppend(state, { to, progress, last });
  progress.waitingSinceMs = state.nowMs;
}

function fillWindow(state: RaftState, to: NodeId, progress: Progress): void {
  const { inflightAppendsMax, inflightBytesMax } = state.config;
  while (
    progress.nextIndex <= state.entries.lastIndex &&
    progress.inflightCount < inflightAppendsMax &&
    progress.inflightBytes < inflightBytesMax
  ) {
    if (startIfBehind(state, to, progress)) return;
    const { to: last, sizeBytes } = measure(state, progress.nextIndex);
    sendAppend(state, { to, progress, last });
    progress.sent({ lastIndex: last, sizeBytes, nowMs: state.nowMs });
  }
}

/** The entry before the next one is gone: the follower must begin anew. */
function startIfBehind(
  state: RaftState,
  to: NodeId,
  progress: Progress,
): boolean {
  const { start } = state.entries;
  if (progress.nextIndex > start.index) return false;
  progress.becomeCatchingUp(start);
  sendChunk(state, to, progress);
  return true;
}

function sendChunk(state: RaftState, to: NodeId, progress: Progress): void {
  if (progress.waitingSinceMs !== undefined) return;
  const { start } = state.entries;
  if (progress.transfer?.start.index !== start.index) {
    progress.becomeCatchingUp(start);
  }
  const configuration = state.configurations.at(start.index);
  assert(configuration, `No configuration is known at ${start.index}`);
  send(state, {
    ...envelope(state, to),
    kind: "snapshot",
    start,
    configuration,
    position: progress.transfer?.position ?? 0,
    chunkBytesMax: state.config.snapshotChunkBytesMax,
  });
  progress.waitingSinceMs = state.nowMs;
}

function measure(
  state: RaftState,
  from: LogIndex,
): { to: LogIndex; sizeBytes: number } {
  return state.entries.measure({
    from,
    to: state.entries.lastIndex,
    bytesMax: state.config.appendBytesMax,
    entriesMax: state.config.appendEntriesMax,
  });
}

function sendAppend(
  state: RaftState,
  append: { to: NodeId; progress: Progress; last: LogIndex },
): void {
  const { to, progress, last } = append;
  const prevIndex = logIndex(progress.nextIndex - 1);
  const prevTerm = state.entries.termAt(prevIndex);
  assert(prevTerm !== undefined, `Entry ${prevIndex} is not in the log`);
  send(state, {
    ...envelope(state, to),
    kind: "append",
    prevIndex,
    prevTerm,
    commitIndex: state.commitIndex,
    range: last > prevIndex
      ? { from: progress.nextIndex, to: last }
      : undefined,
  });
  progress.commitSent = logIndex(Math.min(state.commitIndex, last));
}

function sendHeartbeat(
  state: RaftState,
  role: LeaderRole,
  to: NodeId,
  progress: Progress,
): void {
  const commitIndex = logIndex(
    Math.min(progress.matchIndex, state.commitIndex),
  );
  send(state, {
    ...envelope(state, to),
    kind: "heartbeat",
    commitIndex,
    round: role.reads.round,
  });
  progress.commitSent = commitIndex;
}
