/**
 * The follower's side of being reset to the leader's start of the log: collects
 * the chunks of the state, tells how far it is, so that an interrupted transfer
 * goes on where it stopped, and begins its log anew when all are there.
 */
import { crc32 } from "../crc32.ts";
import type { LogIndex } from "../ids.ts";
import type { Snapshot } from "./messages.ts";
import {
  emit,
  envelope,
  type FollowerRole,
  type IncomingSnapshot,
  type RaftState,
  send,
  sendAfterPersist,
} from "./state.ts";

export function receiveSnapshot(
  state: RaftState,
  role: FollowerRole,
  snapshot: Snapshot,
): void {
  const { start } = snapshot;
  if (isCovered(state, snapshot)) {
    role.incoming = undefined;
    const matchIndex = start.index;
    return acknowledge(state, snapshot, matchIndex);
  }
  const incoming = takeChunk(role, snapshot);
  if (!isComplete(role, incoming)) {
    return send(state, {
      ...envelope(state, snapshot.from),
      kind: "snapshot_response",
      startIndex: start.index,
      position: role.incoming?.position ?? 0,
    });
  }
  role.incoming = undefined;
  install(state, snapshot, incoming);
  acknowledge(state, snapshot, start.index);
}

/** Whether the log holds the entry at the start, or is committed beyond it. */
function isCovered(state: RaftState, snapshot: Snapshot): boolean {
  const { start } = snapshot;
  return start.index <= state.commitIndex ||
    state.entries.termAt(start.index) === start.term;
}

/** Adds the chunk if it is the next one of this transfer. */
function takeChunk(role: FollowerRole, snapshot: Snapshot): IncomingSnapshot {
  const { from, start, stateSizeBytes, stateChecksum } = snapshot;
  const known = role.incoming;
  const isSame = known !== undefined && known.from === from &&
    known.start.index === start.index && known.start.term === start.term &&
    known.stateSizeBytes === stateSizeBytes &&
    known.stateChecksum === stateChecksum;
  const incoming = isSame ? known : {
    from,
    start,
    stateSizeBytes,
    stateChecksum,
    chunks: [],
    position: 0,
  };
  role.incoming = incoming;
  if (snapshot.position === incoming.position) {
    incoming.chunks.push(snapshot.chunk);
    incoming.position += snapshot.chunk.length;
  }
  return incoming;
}

/** Whether all chunks are there; what does not add up is begun again. */
function isComplete(role: FollowerRole, incoming: IncomingSnapshot): boolean {
  if (incoming.position < incoming.stateSizeBytes) return false;
  let checksum = 0;
  for (const chunk of incoming.chunks) checksum = crc32(chunk, checksum);
  if (checksum === incoming.stateChecksum) return true;
  role.incoming = undefined;
  return false;
}

function install(
  state: RaftState,
  snapshot: Snapshot,
  incoming: IncomingSnapshot,
): void {
  const { start, configuration } = snapshot;
  state.durability.truncatedFrom(1 as LogIndex);
  state.entries.resetTo({ start, configuration, state: incoming.chunks });
  state.configurations.reset({ index: start.index, configuration });
  state.commitIndex = start.index;
  emit(state, { kind: "reset", start });
  emit(state, {
    kind: "configuration_changed",
    index: start.index,
    configuration,
  });
}

function acknowledge(
  state: RaftState,
  snapshot: Snapshot,
  matchIndex: LogIndex,
): void {
  sendAfterPersist(state, {
    ...envelope(state, snapshot.from),
    kind: "append_accepted",
    matchIndex,
  });
}
