/**
 * Frames on a peer connection. Permanent; numbers are big-endian.
 *
 *   +----------+---------+---------------------+
 *   | size u32 | kind u8 | payload (size bytes)|
 *   +----------+---------+---------------------+
 *
 *   1 hello    first frame of who dialled, see hello.ts
 *   2 welcome  first frame of who accepted
 *   3 refused  why not, UTF-8; the connection ends after it
 *   4 part     a piece of a message, more follows
 *   5 end      the last piece of a message
 *   6 ping     asks for a pong
 *   7 pong
 *
 * TLS guards the bytes, so there is no checksum.
 */
import { ProglogError } from "../../../core/errors.ts";
import { FRAME_PAYLOAD_MAX_BYTES } from "./limits.ts";

export const FRAME_HEADER_BYTES = 5;

const KINDS = [
  undefined,
  "hello",
  "welcome",
  "refused",
  "part",
  "end",
  "ping",
  "pong",
] as const;

export type FrameKind = Exclude<typeof KINDS[number], undefined>;

export interface Frame {
  readonly kind: FrameKind;
  /** A view of what was received, or a buffer of its own. */
  readonly payload: Uint8Array;
}

export function frameHeader(kind: FrameKind, sizeBytes: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, sizeBytes);
  view.setUint8(4, KINDS.indexOf(kind));
  return header;
}

export function encodeFrame(kind: FrameKind, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  frame.set(frameHeader(kind, payload.length));
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  /** Lower until the peer has introduced itself. */
  payloadMaxBytes: number;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerLength = 0;
  #open: { kind: FrameKind; payload: Uint8Array; length: number } | undefined;

  constructor(options: { payloadMaxBytes: number }) {
    this.payloadMaxBytes = options.payloadMaxBytes;
  }

  /** Calls `take` for each frame that `chunk` completes. Throws `corrupt`. */
  push(chunk: Uint8Array, take: (frame: Frame) => void): void {
    for (let at = 0; at < chunk.length;) {
      at = this.#open === undefined
        ? this.#readHeader(chunk, at, take)
        : this.#readPayload(chunk, at, take);
    }
  }

  #readHeader(
    chunk: Uint8Array,
    from: number,
    take: (frame: Frame) => void,
  ): number {
    const wanted = FRAME_HEADER_BYTES - this.#headerLength;
    const part = chunk.subarray(from, from + wanted);
    this.#header.set(part, this.#headerLength);
    this.#headerLength += part.length;
    const at = from + part.length;
    if (this.#headerLength < FRAME_HEADER_BYTES) return at;
    this.#headerLength = 0;
    const { kind, sizeBytes } = this.#parseHeader();
    if (chunk.length - at >= sizeBytes) {
      take({ kind, payload: chunk.subarray(at, at + sizeBytes) });
      return at + sizeBytes;
    }
    this.#open = { kind, payload: new Uint8Array(sizeBytes), length: 0 };
    return at;
  }

  #readPayload(
    chunk: Uint8Array,
    from: number,
    take: (frame: Frame) => void,
  ): number {
    const open = this.#open;
    if (open === undefined) return from;
    const wanted = open.payload.length - open.length;
    const part = chunk.subarray(from, from + wanted);
    open.payload.set(part, open.length);
    open.length += part.length;
    if (open.length === open.payload.length) {
      this.#open = undefined;
      take(open);
    }
    return from + part.length;
  }

  #parseHeader(): { kind: FrameKind; sizeBytes: number } {
    const view = new DataView(this.#header.buffer);
    const sizeBytes = view.getUint32(0);
    const kind = KINDS[view.getUint8(4)];
    if (kind === undefined) {
      throw corrupt(`a frame is of kind ${view.getUint8(4)}`);
    }
    if (sizeBytes > this.payloadMaxBytes) {
      throw corrupt(
        `a frame has ${sizeBytes} bytes and the limit is ${this.payloadMaxBytes}`,
      );
    }
    return { kind, sizeBytes };
  }
}

/** Puts the pieces of messages together. */
export class MessageAssembler {
  readonly #sizeMaxBytes: number;
  #parts: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(options: { sizeMaxBytes: number }) {
    this.#sizeMaxBytes = options.sizeMaxBytes;
  }

  part(payload: Uint8Array): void {
    this.#add(payload);
  }

  /** The whole message; not copied when it came in one piece. */
  end(payload: Uint8Array): Uint8Array {
    if (this.#parts.length === 0) return payload;
    this.#add(payload);
    const message = new Uint8Array(this.#sizeBytes);
    let at = 0;
    for (const part of this.#parts) {
      message.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#sizeBytes = 0;
    return message;
  }

  #add(payload: Uint8Array): void {
    this.#sizeBytes += payload.length;
    if (this.#sizeBytes > this.#sizeMaxBytes) {
      throw corrupt(`a message is longer than ${this.#sizeMaxBytes} bytes`);
    }
    this.#parts.push(payload);
  }
}

/**
 * A message, given as neighbouring pieces, as frames: headers and views of the
 * pieces, nothing is copied. One array for each frame.
 */
export function* framesOf(
  pieces: readonly Uint8Array[],
): Generator<Uint8Array[]> {
  let leftBytes = pieces.reduce((sum, { length }) => sum + length, 0);
  let [at, from] = [0, 0];
  do {
    const sizeBytes = Math.min(leftBytes, FRAME_PAYLOAD_MAX_BYTES);
    leftBytes -= sizeBytes;
    const frame = [frameHeader(leftBytes > 0 ? "part" : "end", sizeBytes)];
    for (let wanted = sizeBytes; wanted > 0;) {
      const piece = pieces[at]?.subarray(from, from + wanted) ?? NO_BYTES;
      if (piece.length > 0) frame.push(piece);
      wanted -= piece.length;
      from += piece.length;
      if (from === pieces[at]?.length) [at, from] = [at + 1, 0];
    }
    yield frame;
  } while (leftBytes > 0);
}

const NO_BYTES = new Uint8Array(0);

function corrupt(reason: string): ProglogError {
  return new ProglogError("corrupt", `Cannot read from the peer as ${reason}`);
}
