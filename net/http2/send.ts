/**
 * The send side: heads, data and trailers to frames. Data goes straight to the
 * output while windows are open and nobody waits; else it is queued, and `pump`
 * serves the streams in turn (RFC 9113 sections 5.2, 6.1, 6.2 and 8.1).
 */
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_HEAD_BYTES,
  HEADERS,
  writeFrameHead,
} from "./frame.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import { SendQueue, writePayload } from "./send_queue.ts";
import type { Session } from "./session.ts";
import type { Stream } from "./stream.ts";
import type { HeaderList } from "./types.ts";

/** Writes a head now; the stream has nothing queued before it. */
export function writeHeaders(
  session: Session,
  stream: Stream,
  section: { headers: HeaderList; endStream: boolean },
): void {
  const { output, encoder, peer } = session;
  output.reserve(
    FRAME_HEAD_BYTES + HpackEncoder.boundBytes(section.headers),
  );
  const { chunk, position } = output;
  const start = position + FRAME_HEAD_BYTES;
  const end = encoder.encode(section.headers, chunk, start);
  const length = end - start;
  const endFlag = section.endStream ? END_STREAM : 0;
  if (length <= peer.frameMaxBytes) {
    const flags = END_HEADERS | endFlag;
    const head = { length, type: HEADERS, flags, streamId: stream.id };
    writeFrameHead(chunk, position, head);
    output.commit(end);
  } else {
    const block = chunk.slice(start, end);
    writeLongBlock(session, stream.id, { block, endFlag });
  }
  if (section.endStream) endLocal(session, stream);
}

/** A block that is larger than a frame of the peer: HEADERS, then CONTINUATION. */
function writeLongBlock(
  session: Session,
  streamId: number,
  section: { block: Uint8Array; endFlag: number },
): void {
  const { output, peer } = session;
  const { block } = section;
  for (let from = 0; from < block.length; from += peer.frameMaxBytes) {
    const fragment = block.subarray(from, from + peer.frameMaxBytes);
    const isLast = from + fragment.length === block.length;
    output.writeFrameHead({
      length: fragment.length,
      type: from === 0 ? HEADERS : CONTINUATION,
      flags: (isLast ? END_HEADERS : 0) | (from === 0 ? section.endFlag : 0),
      streamId,
    });
    output.copy(fragment);
  }
}

/** Trailers, or a head: behind what is queued. */
export function sendHeaders(
  session: Session,
  stream: Stream,
  section: { headers: HeaderList; endStream: boolean },
): void {
  if (stream.queuedBytes === 0) return writeHeaders(session, stream, section);
  stream.pendingTrailers = section.headers;
  stream.pendingEnd = "trailers";
}

/** Sends or queues data; false when the stream should wait for "writable". */
export function sendData(
  session: Session,
  stream: Stream,
  data: { bytes: Uint8Array; endStream: boolean },
): boolean {
  const { bytes, endStream } = data;
  if (canSendNow(session, stream, bytes.length)) {
    writeData(session, stream, { length: bytes.length, endStream });
    writePayload(session.output, bytes, payloadOptions(session));
    if (endStream) endLocal(session, stream);
    return true;
  }
  stream.queue ??= new SendQueue();
  stream.queue.push(bytes);
  session.queuedBytes += bytes.length;
  if (endStream) stream.pendingEnd = "end_stream";
  if (stream.sendWindow.availableBytes > 0) session.ready.add(stream);
  const { streamQueueHighBytes, connectionQueueHighBytes } = session.limits;
  if (
    stream.queue.bytes <= streamQueueHighBytes &&
    session.queuedBytes <= connectionQueueHighBytes
  ) return true;
  session.blocked.add(stream);
  return false;
}

/** In one frame, overtaking nobody. An empty frame needs no window. */
function canSendNow(session: Session, stream: Stream, bytes: number): boolean {
  if (stream.queuedBytes > 0) return false;
  if (bytes === 0) return true;
  return session.ready.size === 0 &&
    bytes <= sendableBytes(session, stream) &&
    session.output.bytes + bytes <= session.limits.eagerOutputMaxBytes;
}

/** Upper bound of the next frame's payload. */
function sendableBytes(session: Session, stream: Stream): number {
  return Math.min(
    session.sendWindow.availableBytes,
    stream.sendWindow.availableBytes,
    session.peer.frameMaxBytes,
    session.limits.sentFrameMaxBytes,
  );
}

/** The frame head; its payload follows by the caller. */
function writeData(
  session: Session,
  stream: Stream,
  frame: { length: number; endStream: boolean },
): void {
  const { length } = frame;
  session.sendWindow.use(length);
  stream.sendWindow.use(length);
  session.floods.dataSent(length);
  const flags = frame.endStream ? END_STREAM : 0;
  session.output.writeFrameHead({
    length,
    type: DATA,
    flags,
    streamId: stream.id,
  });
}

/** Moves queued data to the output, as far as windows allow, stream by stream. */
export function pump(session: Session): void {
  const { ready, limits } = session;
  for (const stream of ready) {
    if (session.sendWindow.availableBytes <= 0) break;
    // Leaves its place; with more to send it joins the end, which this loop reaches too.
    ready.delete(stream);
    const turnBytes = ready.size > 0 ? limits.fairTurnBytes : Infinity;
    if (takeTurn(session, stream, turnBytes)) ready.add(stream);
  }
  unblock(session);
}

/** Sends one frame of a stream; true when it can go on. */
function takeTurn(
  session: Session,
  stream: Stream,
  turnBytes: number,
): boolean {
  const queue = stream.queue!;
  const bytes = Math.min(
    sendableBytes(session, stream),
    queue.bytes,
    turnBytes,
  );
  if (bytes <= 0) return false;
  const isLast = bytes === queue.bytes;
  const endStream = isLast && stream.pendingEnd === "end_stream";
  writeData(session, stream, { length: bytes, endStream });
  queue.moveTo(session.output, { bytes, ...payloadOptions(session) });
  session.queuedBytes -= bytes;
  if (!isLast) return stream.sendWindow.availableBytes > 0;
  const trailers = stream.pendingTrailers;
  if (endStream) {
    endLocal(session, stream);
  } else if (trailers !== undefined) {
    stream.pendingTrailers = undefined;
    writeHeaders(session, stream, { headers: trailers, endStream: true });
  }
  return false;
}

/** A stream's window opened: it takes its turn again. */
export function resumeStream(session: Session, stream: Stream): void {
  if (stream.queuedBytes > 0 && stream.sendWindow.availableBytes > 0) {
    session.ready.add(stream);
  }
}

function unblock(session: Session): void {
  const { blocked, limits } = session;
  if (
    blocked.size === 0 || session.queuedBytes > limits.connectionQueueLowBytes
  ) return;
  for (const stream of blocked) {
    if (stream.queuedBytes > limits.streamQueueLowBytes) continue;
    blocked.delete(stream);
    session.emit({ kind: "writable", streamId: stream.id });
  }
}

function endLocal(session: Session, stream: Stream): void {
  stream.hasLocalEnded = true;
  stream.pendingEnd = "none";
  session.blocked.delete(stream);
  session.closeIfEnded(stream);
}

function payloadOptions(session: Session): { copiedMaxBytes: number } {
  return { copiedMaxBytes: session.limits.copiedPayloadMaxBytes };
}
