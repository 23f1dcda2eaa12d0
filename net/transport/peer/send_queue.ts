/**
 * What waits to be written on one connection: messages as frames whose bytes are
 * only referred to, and pings that go between frames. Bounded; what does not fit
 * is dropped whole.
 */
import { framesOf } from "./frame.ts";
import { MESSAGE_MAX_BYTES } from "./limits.ts";

export type SendOutcome = "queued" | "dropped";

/** Small pieces are gathered up to this; larger ones go out uncopied, alone. */
const GATHERED_MAX_BYTES = 64 * 1024;

export class SendQueue {
  readonly #queuedMaxBytes: number;
  /** One array of pieces a frame. */
  #frames: Uint8Array[][] = [];
  #firstFrame = 0;
  /** Position in the first frame. */
  #firstPiece = 0;
  #urgent: Uint8Array[] = [];
  #queuedBytes = 0;

  constructor(options: { queuedMaxBytes: number }) {
    this.#queuedMaxBytes = options.queuedMaxBytes;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** `pieces` must not change until they are written. */
  push(pieces: readonly Uint8Array[]): SendOutcome {
    const sizeBytes = pieces.reduce((sum, { length }) => sum + length, 0);
    if (
      sizeBytes > MESSAGE_MAX_BYTES ||
      this.#queuedBytes + sizeBytes > this.#queuedMaxBytes
    ) return "dropped";
    for (const frame of framesOf(pieces)) {
      this.#frames.push(frame);
      for (const piece of frame) this.#queuedBytes += piece.length;
    }
    return "queued";
  }

  /** A whole frame that goes before all messages. */
  pushUrgent(frame: Uint8Array): void {
    this.#urgent.push(frame);
    this.#queuedBytes += frame.length;
  }

  /** What to write next: many small pieces, or one large one; at most about 256 KiB. */
  take(): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let takenBytes = 0;
    for (let next = this.#peek(); next !== undefined; next = this.#peek()) {
      const isLarge = next.length > GATHERED_MAX_BYTES - takenBytes;
      if (isLarge && taken.length > 0) break;
      this.#drop(next);
      taken.push(next);
      takenBytes += next.length;
      if (isLarge) break;
    }
    return taken;
  }

  /** Forgets everything, also the rest of a frame that was begun. */
  clear(): void {
    this.#frames = [];
    this.#firstFrame = 0;
    this.#firstPiece = 0;
    this.#urgent = [];
    this.#queuedBytes = 0;
  }

  #peek(): Uint8Array | undefined {
    if (this.#firstPiece === 0 && this.#urgent.length > 0) {
      return this.#urgent[0];
    }
    return this.#frames[this.#firstFrame]?.[this.#firstPiece];
  }

  #drop(piece: Uint8Array): void {
    this.#queuedBytes -= piece.length;
    if (piece === this.#urgent[0]) {
      this.#urgent.shift();
      return;
    }
    this.#firstPiece += 1;
    if (this.#firstPiece < (this.#frames[this.#firstFrame]?.length ?? 0)) {
      return;
    }
    this.#firstPiece = 0;
    this.#firstFrame += 1;
    if (this.#firstFrame < 64 && this.#firstFrame < this.#frames.length) return;
    this.#frames.splice(0, this.#firstFrame);
    this.#firstFrame = 0;
  }
}
