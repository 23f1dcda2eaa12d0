/**
 * DATA from the peer (RFC 9113 section 6.1): windows, padding, content-length,
 * and data events as views into the chunk. One object per connection.
 *
 *   +---------------+
 *   | pad length (8)|  only with PADDED
 *   +---------------+-----------------------------------------------+
 *   | data ...                                                      |
 *   +---------------------------------------------------------------+
 *   | padding ...      only with PADDED                             |
 *   +---------------------------------------------------------------+
 */
import {
  type Fault,
  fault,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
  STREAM_CLOSED,
} from "./error_code.ts";
import { END_STREAM, type FrameHead, PADDED } from "./frame.ts";
import type { Session } from "./session.ts";
import type { Stream } from "./stream.ts";

export class DataReceiver {
  readonly #session: Session;
  /** The frame being read; no stream when its data is dropped. */
  #stream: Stream | undefined;
  #dataLeft = 0;
  #isPadLengthDue = false;
  #hasEndStream = false;

  constructor(session: Session) {
    this.#session = session;
  }

  begin(head: Readonly<FrameHead>): Fault | undefined {
    const isPadded = (head.flags & PADDED) !== 0;
    if (head.streamId === 0) {
      return fault(PROTOCOL_ERROR, "DATA has no stream");
    }
    if (isPadded && head.length === 0) {
      return fault(FRAME_SIZE_ERROR, "DATA has no room for its pad length");
    }
    if (!this.#session.receiveWindow.take(head.length)) {
      return fault(FLOW_CONTROL_ERROR, "DATA overruns the connection window");
    }
    this.#stream = undefined;
    this.#dataLeft = head.length;
    this.#isPadLengthDue = isPadded;
    this.#hasEndStream = (head.flags & END_STREAM) !== 0;
    const stream = this.#session.streams.get(head.streamId);
    if (stream === undefined) return this.#beginWithoutStream(head.streamId);
    const errorCode = checkStream(stream, head);
    if (errorCode !== undefined) {
      return this.#session.streamError(stream.id, errorCode);
    }
    this.#stream = stream;
    if (head.length === 0 && !this.#hasEndStream) {
      return this.#session.floods.count("emptyData");
    }
    return undefined;
  }

  #beginWithoutStream(streamId: number): Fault | undefined {
    const absence = this.#session.streams.whyAbsent(streamId);
    if (absence === "idle") {
      return fault(PROTOCOL_ERROR, "DATA is on an idle stream");
    }
    if (absence === "ended") {
      return fault(STREAM_CLOSED, "DATA is on a stream that ended");
    }
    if (absence === "reset_by_us") {
      return this.#session.floods.count("ignoredFrames");
    }
    return this.#session.streamError(streamId, STREAM_CLOSED);
  }

  /** The next bytes of the frame; once with none if it is empty. */
  piece(bytes: Uint8Array, from: number, end: number): Fault | undefined {
    if (this.#isPadLengthDue) {
      this.#isPadLengthDue = false;
      const padBytes = bytes[from]!;
      from += 1;
      this.#dataLeft -= 1 + padBytes;
      if (this.#dataLeft < 0) {
        return fault(PROTOCOL_ERROR, "Padding is longer than its DATA frame");
      }
      this.#release(1 + padBytes);
      const problem = this.#countPaddingOnly();
      if (problem !== undefined) return problem;
    }
    const count = Math.min(this.#dataLeft, end - from);
    this.#dataLeft -= count;
    const endStream = this.#hasEndStream && this.#dataLeft === 0;
    if (count === 0 && !endStream) return undefined; // empty, or padding
    if (endStream) this.#hasEndStream = false; // padding may follow
    return this.#deliver(bytes.subarray(from, from + count), endStream);
  }

  #countPaddingOnly(): Fault | undefined {
    if (this.#dataLeft > 0 || this.#hasEndStream) return undefined;
    return this.#session.floods.count("emptyData");
  }

  #deliver(bytes: Uint8Array, endStream: boolean): Fault | undefined {
    const stream = this.#stream;
    const count = bytes.length;
    if (stream === undefined || stream.isClosed) {
      this.#session.releaseConnectionCredit(count);
      return undefined;
    }
    if (stream.bodyLeftBytes !== undefined) {
      stream.bodyLeftBytes -= count;
      if (stream.bodyLeftBytes < 0 || (endStream && stream.bodyLeftBytes > 0)) {
        this.#session.releaseConnectionCredit(count);
        return this.#session.streamError(stream.id, PROTOCOL_ERROR);
      }
    }
    stream.heldBytes += count;
    stream.hasRemoteEnded = endStream;
    this.#session.emit({
      kind: "data",
      streamId: stream.id,
      bytes,
      creditBytes: count,
      endStream,
    });
    if (endStream) this.#session.closeIfEnded(stream);
    return undefined;
  }

  /** Padding is used up as soon as it is here. */
  #release(bytes: number): void {
    if (this.#stream !== undefined && !this.#stream.isClosed) {
      this.#session.releaseStreamCredit(this.#stream, bytes);
    }
    this.#session.releaseConnectionCredit(bytes);
  }
}

function checkStream(
  stream: Stream,
  head: Readonly<FrameHead>,
): number | undefined {
  if (stream.hasRemoteEnded) return STREAM_CLOSED;
  if (!stream.hasRemoteHead) return PROTOCOL_ERROR;
  if (!stream.receiveWindow.take(head.length)) return FLOW_CONTROL_ERROR;
  return undefined;
}
