/**
 * The segments of an open log: which one holds an index, offset or time, their
 * files and sparse indexes. What it keeps in memory is bounded: a few dozen
 * bytes a segment, and least recently used caches of files and indexes.
 */

import { assert } from "../assert.ts";
import type { Disk, DiskFile } from "../env.ts";
import { isProglogError } from "../errors.ts";
import type { LogIndex, Offset } from "../ids.ts";
import { INDEXES_CACHED_MAX, SEGMENT_FILES_OPEN_MAX } from "../limits.ts";
import { EntryScanner } from "./entry_scanner.ts";
import { logFilePath } from "./file_names.ts";
import { corruptEntry } from "./log_errors.ts";
import { LruCache } from "./lru_cache.ts";
import { SparseIndex } from "./offset_index.ts";
import {
  type ActiveSegment,
  firstIndexOf,
  type SegmentInfo,
} from "./segment.ts";
import { SEGMENT_HEADER_BYTES } from "./segment_header.ts";

export class SegmentSet {
  readonly #disk: Disk;
  readonly #directory: string;
  /** Ascending, without the active segment. */
  #sealed: SegmentInfo[];
  #active: ActiveSegment;
  #isClosed = false;
  readonly #files = new LruCache<LogIndex, DiskFile>(
    SEGMENT_FILES_OPEN_MAX,
    (file) => file.close(),
  );
  readonly #indexes = new LruCache<LogIndex, SparseIndex>(INDEXES_CACHED_MAX);

  constructor(
    disk: Disk,
    directory: string,
    segments: { sealed: SegmentInfo[]; active: ActiveSegment },
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#sealed = segments.sealed;
    this.#active = segments.active;
  }

  get active(): ActiveSegment {
    return this.#active;
  }
  get sealed(): readonly SegmentInfo[] {
    return this.#sealed;
  }
  get first(): SegmentInfo {
    return this.#sealed[0] ?? this.#active.info;
  }

  /** Size of all segments in bytes. */
  sizeBytes(): number {
    let size = this.#active.endPosition;
    for (const segment of this.#sealed) size += segment.sizeBytes;
    return size;
  }

  /** Where the entries of a segment end. */
  endOf(segment: SegmentInfo): number {
    return segment === this.#active.info
      ? this.#active.endPosition
      : segment.sizeBytes;
  }

  holdingIndex(index: LogIndex): SegmentInfo {
    return this.#lastWhere((segment) => segment.header.start.index < index);
  }

  holdingOffset(offset: Offset): SegmentInfo {
    return this.#lastWhere((segment) => segment.header.start.offset <= offset);
  }

  /** The segment with the first entry appended at or after `timeMs`. */
  holdingTime(timeMs: number): SegmentInfo {
    return this.#lastWhere((segment) =>
      segment.header.timeMaxBeforeMs < timeMs
    );
  }

  /** The segment after one, or null after the active one. */
  after(segment: SegmentInfo): SegmentInfo | null {
    if (segment === this.#active.info) return null;
    const at = this.#countWhere((other) =>
      other.header.start.index <= segment.header.start.index
    );
    return this.#sealed[at] ?? this.#active.info;
  }

  fileOf(segment: SegmentInfo): DiskFile {
    if (segment === this.#active.info) return this.#active.file;
    const key = firstIndexOf(segment);
    const open = this.#files.get(key);
    if (open !== undefined) return open;
    const file = this.#disk.open(segment.path, "existing");
    this.#files.set(key, file);
    return file;
  }

  /** The sparse index of a segment; rebuilt where its file cannot be used. */
  indexOf(segment: SegmentInfo): SparseIndex {
    if (segment === this.#active.info) return this.#active.index;
    const key = firstIndexOf(segment);
    const cached = this.#indexes.get(key);
    if (cached !== undefined) return cached;
    const read = this.#readIndex(segment);
    if (read === null) return this.rebuildIndex(segment);
    this.#indexes.set(key, read);
    return read;
  }

  /** Makes the index of a sealed segment from its entries. Throws `corrupt`. */
  rebuildIndex(segment: SegmentInfo): SparseIndex {
    const index = new SparseIndex();
    const { salt, start, timeMaxBeforeMs } = segment.header;
    const scanner = new EntryScanner(this.fileOf(segment), {
      salt,
      from: SEGMENT_HEADER_BYTES,
      end: this.endOf(segment),
      after: start,
    });
    let timeMaxMs = timeMaxBeforeMs;
    while (true) {
      const step = scanner.next();
      if (step.kind === "damaged") throw corruptEntry(segment.path, step);
      if (step.kind === "end") break;
      index.note(step.header, step.position, timeMaxMs);
      timeMaxMs = Math.max(timeMaxMs, step.header.appendTimeMs);
    }
    this.#indexes.set(firstIndexOf(segment), index);
    this.#saveIndex(segment, index);
    return index;
  }

  /** Seals the active segment and makes `next` the active one. */
  roll(next: ActiveSegment): void {
    const { info, endPosition, index } = this.#active;
    const segment = { ...info, sizeBytes: endPosition };
    this.#sealed.push(segment);
    this.#indexes.set(firstIndexOf(segment), index);
    this.#active = next;
    this.#saveIndex(segment, index);
  }

  /** Makes `active` the last segment; drops the sealed ones from there on. */
  cutTo(active: ActiveSegment): void {
    const first = firstIndexOf(active.info);
    for (const segment of this.#sealed) {
      if (firstIndexOf(segment) >= first) this.#forget(segment);
    }
    this.#sealed = this.#sealed.filter((segment) =>
      firstIndexOf(segment) < first
    );
    this.#active = active;
  }

  /** Forgets all segments; `active` is the only one. */
  replaceBy(active: ActiveSegment): void {
    this.close();
    for (const segment of this.#sealed) this.#forget(segment);
    this.#sealed = [];
    this.#active = active;
    this.#isClosed = false;
  }

  dropFirst(): void {
    const segment = this.#sealed.shift();
    assert(segment !== undefined, "Cannot drop the active segment");
    this.#forget(segment);
  }

  /** Gives up all files; once more is no harm. */
  close(): void {
    this.#files.clear();
    if (!this.#isClosed) this.#active.file.close();
    this.#isClosed = true;
  }

  #forget(segment: SegmentInfo): void {
    this.#files.delete(firstIndexOf(segment));
    this.#indexes.delete(firstIndexOf(segment));
  }

  #lastWhere(holds: (segment: SegmentInfo) => boolean): SegmentInfo {
    if (holds(this.#active.info)) return this.#active.info;
    return this.#sealed[this.#countWhere(holds) - 1] ?? this.first;
  }

  /** How many sealed segments `holds`, which is true up to one and false after. */
  #countWhere(holds: (segment: SegmentInfo) => boolean): number {
    let low = 0;
    let high = this.#sealed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const segment = this.#sealed[middle];
      if (segment !== undefined && holds(segment)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #readIndex(segment: SegmentInfo): SparseIndex | null {
    const path = this.#indexPath(segment);
    if (!this.#disk.exists(path)) return null;
    const file = this.#disk.open(path, "existing");
    try {
      const bytes = new Uint8Array(file.size());
      const count = file.readAt(bytes, 0);
      return SparseIndex.decode(bytes.subarray(0, count), coverage(segment));
    } finally {
      file.close();
    }
  }

  /**
   * Writes the index file. A disk that refuses it costs a rebuild later and
   * nothing else, so its refusal is no error here: what is missing is rebuilt.
   */
  #saveIndex(segment: SegmentInfo, index: SparseIndex): void {
    try {
      const file = this.#disk.open(
        this.#indexPath(segment),
        "create_or_existing",
      );
      try {
        const bytes = index.encode(coverage(segment));
        file.writeAt(bytes, 0);
        file.truncate(bytes.length);
      } finally {
        file.close();
      }
    } catch (error) {
      if (!isProglogError(error)) throw error;
    }
  }

  #indexPath(segment: SegmentInfo): string {
    return logFilePath(this.#directory, "index", firstIndexOf(segment));
  }
}

function coverage(segment: SegmentInfo) {
  return {
    salt: segment.header.salt,
    segmentSizeBytes: segment.sizeBytes,
  };
}
