/**
 * The follower's side of being reset to the leader's start of the log: collects
 * the chunks of the state, tells how far it is, so that an interrupted transfer
 * goes on where it stopped, and begins its log anew when all are there.
 */
import { assert } from "../assert.ts";
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
  if (incoming.position < incoming.stateSizeBytes) {
    return send(state, {
      ...envelope(state, snapshot.from),
      kind: "snapshot_response",
      startIndex: start.index,
      position: incoming.position,
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
  const { from, start, stateSizeBytes } = snapshot;
  const known = role.incoming;
  const isSame = known !== undefined && known.from === from &&
    known.start.index === start.index && known.start.term === start.term &&
    known.stateSizeBytes === stateSizeBytes;
  const incoming = isSame
    ? known
    : { from, start, stateSizeBytes, chunks: [], position: 0 };
  role.incoming = incoming;
  if (snapshot.position === incoming.position) {
    incoming.chunks.push(snapshot.chunk);
    incoming.position += snapshot.chunk.length;
  }
  return incoming;
}

function install(
  state: RaftState,
  snapshot: Snapshot,
  incoming: IncomingSnapshot,
): void {
  const { start, configuration } = snapshot;
  assert(
    incoming.position === incoming.stateSizeBytes,
    `State of ${incoming.stateSizeBytes} bytes has ${incoming.position}`,
  );
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
