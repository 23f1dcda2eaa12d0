/**
 * Cuts chunks of any size into frames. A frame that lies whole in its chunk is
 * passed on in place; the payload of DATA is passed on piece by piece as it comes
 * and is never copied; other frames that are cut are put together first.
 * Callers: connection.ts; `FrameHandler` is receive.ts.
 */
import { type Fault, fault, PROTOCOL_ERROR } from "./error_code.ts";
import {
  DATA,
  FRAME_HEAD_BYTES,
  type FrameHead,
  PREFACE,
  readFrameHead,
} from "./frame.ts";

export interface FrameHandler {
  /** A head came: checks it before any of the payload is kept. */
  begin(head: Readonly<FrameHead>): Fault | undefined;
  /** How much of the payload is wanted; what is over it is skipped. Not asked for DATA. */
  wantedBytes(head: Readonly<FrameHead>): number;
  /** The wanted payload, `from` to `end`. Not called for DATA. */
  payload(
    head: Readonly<FrameHead>,
    bytes: Uint8Array,
    from: number,
    end: number,
  ): Fault | undefined;
  /** The next piece of a DATA payload; called once with nothing for an empty one. */
  dataPiece(bytes: Uint8Array, from: number, end: number): Fault | undefined;
}

const NOTHING = new Uint8Array(0);

export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #head: FrameHead = { length: 0, type: 0, flags: 0, streamId: 0 };
  readonly #headBytes = new Uint8Array(FRAME_HEAD_BYTES);
  #headCount = 0;
  #prefaceLeft: number;
  /** Where the frame's payload stands: each counts down to 0. */
  #dataLeft = 0;
  #skipLeft = 0;
  #payloadLeft = 0;
  #payload = NOTHING;

  constructor(
    handler: FrameHandler,
    options: { expectsPreface: boolean },
  ) {
    this.#handler = handler;
    this.#prefaceLeft = options.expectsPreface ? PREFACE.length : 0;
  }

  read(chunk: Uint8Array): Fault | undefined {
    let position = 0;
    if (this.#prefaceLeft > 0) {
      position = this.#readPreface(chunk);
      if (position < 0) return fault(PROTOCOL_ERROR, "Preface is wrong");
    }
    while (position < chunk.length) {
      const next = this.#isInPayload
        ? this.#continuePayload(chunk, position)
        : this.#readHead(chunk, position);
      if (typeof next !== "number") return next;
      position = next;
    }
    return undefined;
  }

  get #isInPayload(): boolean {
    return this.#dataLeft > 0 || this.#skipLeft > 0 || this.#payloadLeft > 0;
  }

  /** Returns the position after the preface, or -1. */
  #readPreface(chunk: Uint8Array): number {
    let position = 0;
    while (this.#prefaceLeft > 0 && position < chunk.length) {
      const expected = PREFACE[PREFACE.length - this.#prefaceLeft];
      if (chunk[position] !== expected) return -1;
      position += 1;
      this.#prefaceLeft -= 1;
    }
    return position;
  }

  #readHead(chunk: Uint8Array, position: number): number | Fault {
    if (
      this.#headCount === 0 && chunk.length - position >= FRAME_HEAD_BYTES
    ) {
      readFrameHead(chunk, position, this.#head);
      return this.#beginFrame(chunk, position + FRAME_HEAD_BYTES);
    }
    while (this.#headCount < FRAME_HEAD_BYTES && position < chunk.length) {
      this.#headBytes[this.#headCount++] = chunk[position++]!;
    }
    if (this.#headCount < FRAME_HEAD_BYTES) return position;
    this.#headCount = 0;
    readFrameHead(this.#headBytes, 0, this.#head);
    return this.#beginFrame(chunk, position);
  }

  /** Takes the frame at once if the chunk holds it, else notes what is to come. */
  #beginFrame(chunk: Uint8Array, position: number): number | Fault {
    const head = this.#head;
    const problem = this.#handler.begin(head);
    if (problem !== undefined) return problem;
    if (head.type === DATA) {
      if (head.length === 0) {
        return this.#handler.dataPiece(chunk, position, position) ?? position;
      }
      this.#dataLeft = head.length;
      return position;
    }
    const wanted = this.#handler.wantedBytes(head);
    this.#skipLeft = head.length - wanted;
    const end = position + wanted;
    if (end <= chunk.length) {
      return this.#handler.payload(head, chunk, position, end) ?? end;
    }
    this.#payload = new Uint8Array(wanted);
    this.#payloadLeft = wanted;
    return position;
  }

  #continuePayload(chunk: Uint8Array, position: number): number | Fault {
    if (this.#dataLeft > 0) {
      const end = Math.min(chunk.length, position + this.#dataLeft);
      this.#dataLeft -= end - position;
      return this.#handler.dataPiece(chunk, position, end) ?? end;
    }
    if (this.#payloadLeft === 0) {
      const skipped = Math.min(chunk.length - position, this.#skipLeft);
      this.#skipLeft -= skipped;
      return position + skipped;
    }
    const end = Math.min(chunk.length, position + this.#payloadLeft);
    const at = this.#payload.length - this.#payloadLeft;
    this.#payload.set(chunk.subarray(position, end), at);
    this.#payloadLeft -= end - position;
    return this.#payloadLeft > 0 ? end : this.#finishPayload() ?? end;
  }

  #finishPayload(): Fault | undefined {
    const payload = this.#payload;
    this.#payload = NOTHING;
    return this.#handler.payload(this.#head, payload, 0, payload.length);
  }
}
