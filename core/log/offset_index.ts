/**
 * The sparse index of one segment: a sample of its entries, so that a search
 * starts near its goal. A cache: the file can be deleted, is rebuilt when it is
 * missing or damaged, and a sample is believed only once the entry it points at
 * was checked. Knows no files.
 *
 * File layout:
 *    0  4  magic "pli", version 1
 *    4  4  crc: CRC-32 of bytes 8..end
 *    8  4  salt of the segment
 *   12  4  number of samples
 *   16  8  size in bytes of the segment that the samples cover
 *   24     samples of 32 bytes: index, base offset, largest append time of all
 *          entries before, position in the file (8 bytes each)
 */

import { allocateWindow, byteWindow, readU64, writeU64 } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import type { LogIndex, Offset } from "../ids.ts";
import { INDEX_INTERVAL_BYTES } from "../limits.ts";
import type { EntryHeader } from "./entry.ts";

const INDEX_MAGIC = 0x706c6901;
const FILE_HEADER_BYTES = 24;
const SAMPLE_BYTES = 32;
const COLUMNS = 4;

/** The columns of a sample, in their order in memory and on disk. */
const INDEX = 0;
const OFFSET = 1;
const TIME = 2;
const POSITION = 3;

export interface IndexSample {
  readonly index: LogIndex;
  readonly offset: Offset;
  /** Largest append time of all entries of the log before this one. */
  readonly timeMaxBeforeMs: number;
  readonly position: number;
}

/** Which segment bytes an index file speaks of. */
export interface IndexCoverage {
  readonly salt: number;
  readonly segmentSizeBytes: number;
}

export class SparseIndex {
  #columns = new Float64Array(COLUMNS * 16);
  #count = 0;
  #samplePositionMin = 0;

  get count(): number {
    return this.#count;
  }

  /** Takes the next entry of the segment; keeps one per interval. */
  note(header: EntryHeader, position: number, timeMaxBeforeMs: number): void {
    if (position < this.#samplePositionMin) return;
    this.#add(header.index, header.baseOffset, timeMaxBeforeMs, position);
    this.#samplePositionMin = position + INDEX_INTERVAL_BYTES;
  }

  /** The last sample at or before an index, offset; null if there is none. */
  floorOfIndex(index: LogIndex): IndexSample | null {
    return this.#sample(this.#countUpTo(INDEX, index));
  }

  floorOfOffset(offset: Offset): IndexSample | null {
    return this.#sample(this.#countUpTo(OFFSET, offset));
  }

  /** The last sample before which no entry was appended at or after `timeMs`. */
  floorOfTime(timeMs: number): IndexSample | null {
    return this.#sample(this.#countUpTo(TIME, timeMs - 1));
  }

  /** Forgets samples from `index` on. */
  cutFrom(index: LogIndex): void {
    this.#count = this.#countUpTo(INDEX, index - 1);
    const last = this.#sample(this.#count);
    this.#samplePositionMin = last === null
      ? 0
      : last.position + INDEX_INTERVAL_BYTES;
  }

  encode(coverage: IndexCoverage): Uint8Array<ArrayBuffer> {
    const { bytes, view } = allocateWindow(
      FILE_HEADER_BYTES + this.#count * SAMPLE_BYTES,
    );
    view.setUint32(0, INDEX_MAGIC);
    view.setUint32(8, coverage.salt);
    view.setUint32(12, this.#count);
    writeU64(view, 16, coverage.segmentSizeBytes);
    for (let i = 0; i < this.#count * COLUMNS; i++) {
      writeU64(view, FILE_HEADER_BYTES + i * 8, this.#columns[i] ?? 0);
    }
    view.setUint32(4, crc32(bytes.subarray(8)));
    return bytes;
  }

  /** The index in a file, or null if it is damaged or of other bytes. */
  static decode(file: Uint8Array, coverage: IndexCoverage): SparseIndex | null {
    if (file.length < FILE_HEADER_BYTES) return null;
    const { bytes, view } = byteWindow(file);
    const count = view.getUint32(12);
    if (
      view.getUint32(0) !== INDEX_MAGIC ||
      view.getUint32(8) !== coverage.salt ||
      readU64(view, 16) !== coverage.segmentSizeBytes ||
      file.length !== FILE_HEADER_BYTES + count * SAMPLE_BYTES ||
      view.getUint32(4) !== crc32(bytes.subarray(8))
    ) return null;
    const index = new SparseIndex();
    for (let i = 0; i < count; i++) {
      const at = FILE_HEADER_BYTES + i * SAMPLE_BYTES;
      index.#add(
        readU64(view, at),
        readU64(view, at + 8),
        readU64(view, at + 16),
        readU64(view, at + 24),
      );
    }
    return index;
  }

  #add(index: number, offset: number, timeMs: number, position: number): void {
    const at = this.#count * COLUMNS;
    if (at === this.#columns.length) {
      const grown = new Float64Array(at * 2);
      grown.set(this.#columns);
      this.#columns = grown;
    }
    this.#columns[at + INDEX] = index;
    this.#columns[at + OFFSET] = offset;
    this.#columns[at + TIME] = timeMs;
    this.#columns[at + POSITION] = position;
    this.#count += 1;
  }

  /** How many samples have a value of at most `value`; columns never descend. */
  #countUpTo(column: number, value: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#columns[middle * COLUMNS + column] ?? 0) <= value) {
        low = middle + 1;
      } else high = middle;
    }
    return low;
  }

  /** The last of the first `count` samples. */
  #sample(count: number): IndexSample | null {
    if (count === 0) return null;
    const at = (count - 1) * COLUMNS;
    return {
      index: this.#columns[at + INDEX] as LogIndex,
      offset: this.#columns[at + OFFSET] as Offset,
      timeMaxBeforeMs: this.#columns[at + TIME] ?? 0,
      position: this.#columns[at + POSITION] ?? 0,
    };
  }
}
