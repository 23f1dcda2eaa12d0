/**
 * Walks the entries of one segment file in order, and checks each: checksum,
 * place, and that it follows the one before. Reads in large chunks. Serves
 * recovery, index rebuilding, reading, verify and dump.
 */

import { allocateWindow, type ByteWindow } from "../bytes.ts";
import type { DiskFile } from "../env.ts";
import {
  checkPlacedEntry,
  ENTRY_HEADER_BYTES,
  type EntryFault,
  type EntryHeader,
  peekEntryLength,
} from "./entry.ts";
import { follows, type LogPoint, pointAfter } from "./log_point.ts";

const CHUNK_BYTES = 256 * 1024;

/** `window` and `at` are valid until the next step. */
export type ScanStep =
  | {
    readonly kind: "entry";
    readonly header: EntryHeader;
    readonly position: number;
    readonly window: ByteWindow;
    readonly at: number;
  }
  | { readonly kind: "end"; readonly position: number }
  | {
    readonly kind: "damaged";
    readonly position: number;
    readonly reason: EntryFault;
  };

export interface ScanRange {
  readonly salt: number;
  /** Where the first entry of the scan begins. */
  readonly from: number;
  /** Where the file ends, or the scan is to end. */
  readonly end: number;
  /** The point before the first entry of the scan. */
  readonly after: LogPoint;
  /** How much to read at a time, unless an entry is longer. */
  readonly chunkBytes?: number;
  /** Bytes to leave free in front of what is read into the window. */
  readonly headroomBytes?: number;
}

export class EntryScanner {
  readonly #file: DiskFile;
  readonly #salt: number;
  readonly #end: number;
  readonly #headroomBytes: number;
  #point: LogPoint;
  #position: number;
  #window: ByteWindow;
  #windowPosition: number;
  /** Where the bytes read into the window end. */
  #filledEnd: number;

  constructor(file: DiskFile, range: ScanRange) {
    this.#file = file;
    this.#salt = range.salt;
    this.#end = range.end;
    this.#point = range.after;
    this.#position = range.from;
    this.#windowPosition = range.from;
    this.#headroomBytes = range.headroomBytes ?? 0;
    this.#filledEnd = this.#headroomBytes;
    this.#window = this.#allocate(range.chunkBytes ?? CHUNK_BYTES);
  }

  /** The point after the last entry that was returned. */
  get point(): LogPoint {
    return this.#point;
  }

  /** Where the next entry begins. */
  get position(): number {
    return this.#position;
  }

  /** After "end" or "damaged", every further step is the same. */
  next(): ScanStep {
    this.#hold(ENTRY_HEADER_BYTES);
    const length = peekEntryLength(this.#window, this.#at, this.#filledEnd);
    if (typeof length === "number") this.#hold(length);
    return this.#step();
  }

  /**
   * As `next`, but null where that would read on, which overwrites the window:
   * for callers that keep views of it.
   */
  nextInWindow(): ScanStep | null {
    const length = peekEntryLength(this.#window, this.#at, this.#filledEnd);
    const isHeld = typeof length === "number"
      ? this.#at + length <= this.#filledEnd
      : length !== "short";
    return isHeld || this.#position === this.#end ? this.#step() : null;
  }

  #step(): ScanStep {
    const position = this.#position;
    if (position === this.#end) return { kind: "end", position };
    const at = this.#at;
    const check = checkPlacedEntry(
      this.#window,
      { at, end: this.#filledEnd },
      { salt: this.#salt, position },
    );
    if (!check.ok) return { kind: "damaged", position, reason: check.reason };
    const { header } = check;
    if (!follows(this.#point, header)) {
      return { kind: "damaged", position, reason: "order" };
    }
    this.#point = pointAfter(header);
    this.#position = position + header.lengthBytes;
    return { kind: "entry", header, position, window: this.#window, at };
  }

  get #at(): number {
    return this.#headroomBytes + this.#position - this.#windowPosition;
  }

  /** Reads on so that `count` bytes from the position are at hand, if there are. */
  #hold(count: number): void {
    const wanted = Math.min(count, this.#end - this.#position);
    if (this.#filledEnd - this.#at >= wanted) return;
    const room = this.#window.bytes.length - this.#headroomBytes;
    if (wanted > room) this.#window = this.#allocate(wanted);
    const { bytes } = this.#window;
    const end = Math.min(
      bytes.length,
      this.#headroomBytes + this.#end - this.#position,
    );
    this.#windowPosition = this.#position;
    this.#filledEnd = this.#headroomBytes + this.#file.readAt(
      bytes.subarray(this.#headroomBytes, end),
      this.#position,
    );
  }

  #allocate(count: number): ByteWindow {
    const left = this.#end - this.#position;
    return allocateWindow(this.#headroomBytes + Math.min(count, left));
  }
}
