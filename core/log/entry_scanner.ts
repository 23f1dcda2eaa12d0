/**
 * Walks the entries of one segment file in order, and checks each: checksum,
 * place, and that it follows the one before. Reads in large chunks. Serves
 * recovery, index rebuilding, searching, verify and dump.
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
  /** How much to read at a time; small for looking at a single entry. */
  readonly chunkBytes?: number;
}

export class EntryScanner {
  readonly #file: DiskFile;
  readonly #salt: number;
  readonly #end: number;
  #point: LogPoint;
  #position: number;
  #window: ByteWindow;
  #windowPosition: number;
  #filledBytes = 0;

  constructor(file: DiskFile, range: ScanRange) {
    this.#file = file;
    this.#salt = range.salt;
    this.#end = range.end;
    this.#point = range.after;
    this.#position = range.from;
    this.#windowPosition = range.from;
    this.#window = allocateWindow(range.chunkBytes ?? CHUNK_BYTES);
  }

  /** The point after the last entry that was returned. */
  get point(): LogPoint {
    return this.#point;
  }

  /** After "end" or "damaged", every further step is the same. */
  next(): ScanStep {
    const position = this.#position;
    if (position === this.#end) return { kind: "end", position };
    this.#hold(ENTRY_HEADER_BYTES);
    const length = peekEntryLength(this.#window, this.#at, this.#filledBytes);
    if (typeof length === "string") {
      return { kind: "damaged", position, reason: length };
    }
    this.#hold(length);
    const at = this.#at;
    const check = checkPlacedEntry(
      this.#window,
      { at, end: this.#filledBytes },
      { salt: this.#salt, position },
    );
    if (!check.ok) return { kind: "damaged", position, reason: check.reason };
    const { header } = check;
    if (!follows(this.#point, header)) {
      return { kind: "damaged", position, reason: "order" };
    }
    this.#point = pointAfter(header);
    this.#position = position + length;
    return { kind: "entry", header, position, window: this.#window, at };
  }

  get #at(): number {
    return this.#position - this.#windowPosition;
  }

  /** Reads on so that `count` bytes from the position are at hand, if there are. */
  #hold(count: number): void {
    if (this.#filledBytes - this.#at >= count) return;
    if (count > this.#end - this.#position) count = this.#end - this.#position;
    if (this.#filledBytes - this.#at >= count) return;
    if (count > this.#window.bytes.length) {
      this.#window = allocateWindow(count);
    }
    const { bytes } = this.#window;
    const readable = Math.min(bytes.length, this.#end - this.#position);
    this.#windowPosition = this.#position;
    this.#filledBytes = this.#file.readAt(
      bytes.subarray(0, readable),
      this.#position,
    );
  }
}
