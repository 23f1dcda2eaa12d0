/**
 * Bytes for the peer, in order. Small frames are written next to each other into a
 * chunk; large payloads go by reference between two pieces of it. A chunk is never
 * written twice: what `take` handed out stays as it is, for as long as a socket
 * holds it, and the rest of the chunk serves the next turn.
 */
import { FRAME_HEAD_BYTES, type FrameHead, writeFrameHead } from "./frame.ts";

const CHUNK_BYTES = 64 * 1024;
/** A turn starts in a fresh chunk when less is left, so that small turns are one buffer. */
const TURN_ROOM_BYTES = 16 * 1024;
const NOTHING: readonly Uint8Array[] = [];

export class Output {
  #chunk = new Uint8Array(0);
  /** The chunk's bytes from `start` to `end` are written and not yet in `#taken`. */
  #start = 0;
  #end = 0;
  #buffers: Uint8Array[] = [];
  #bufferedBytes = 0;

  /** Bytes that `take` would return. */
  get bytes(): number {
    return this.#bufferedBytes + this.#end - this.#start;
  }

  /** The chunk to write into at `position`, after `reserve`. */
  get chunk(): Uint8Array {
    return this.#chunk;
  }

  get position(): number {
    return this.#end;
  }

  /** Makes room for `bytes` more in one piece. */
  reserve(bytes: number): void {
    if (this.#chunk.length - this.#end >= bytes) return;
    this.#cut();
    this.#chunk = new Uint8Array(Math.max(CHUNK_BYTES, bytes));
    this.#start = 0;
    this.#end = 0;
  }

  /** What was written since `reserve` is output now. */
  commit(position: number): void {
    this.#end = position;
  }

  writeFrameHead(head: Readonly<FrameHead>): void {
    this.reserve(FRAME_HEAD_BYTES);
    writeFrameHead(this.#chunk, this.#end, head);
    this.#end += FRAME_HEAD_BYTES;
  }

  /** Adds a copy of `bytes`. */
  copy(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.#chunk.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Adds `bytes` itself: it must not change until it is written. */
  refer(bytes: Uint8Array): void {
    this.#cut();
    this.#buffers.push(bytes);
    this.#bufferedBytes += bytes.length;
  }

  /** Hands out all bytes in order. */
  take(): readonly Uint8Array[] {
    this.#cut();
    if (this.#buffers.length === 0) return NOTHING;
    const buffers = this.#buffers;
    this.#buffers = [];
    this.#bufferedBytes = 0;
    if (this.#chunk.length - this.#end < TURN_ROOM_BYTES) {
      this.#chunk = new Uint8Array(0);
      this.#start = 0;
      this.#end = 0;
    }
    return buffers;
  }

  #cut(): void {
    if (this.#end === this.#start) return;
    this.#buffers.push(this.#chunk.subarray(this.#start, this.#end));
    this.#bufferedBytes += this.#end - this.#start;
    this.#start = this.#end;
  }
}
