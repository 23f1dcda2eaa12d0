/**
 * The reading half of the log: by offset, by index, by time. Every entry is
 * checked before a byte of it is returned; damage throws `corrupt` with file
 * and position. One positional read serves a whole run of entries.
 */

import type { LogIndex, Offset, Term } from "../ids.ts";
import { INDEX_INTERVAL_BYTES, READ_CURSORS_MAX } from "../limits.ts";
import { type Codec, ENTRY_HEADER_BYTES } from "./entry.ts";
import { EntryScanner, type ScanStep } from "./entry_scanner.ts";
import { corruptEntry } from "./log_errors.ts";
import { type LogPoint, pointAfter } from "./log_point.ts";
import { LruCache } from "./lru_cache.ts";
import type { IndexSample, SparseIndex } from "./offset_index.ts";
import { RecordRun } from "./record_run.ts";
import { firstIndexOf, pointBefore, type SegmentInfo } from "./segment.ts";
import { SEGMENT_HEADER_BYTES } from "./segment_header.ts";
import type { SegmentSet } from "./segment_set.ts";

/** Room for the headers of a few entries beside the records asked for. */
const HEADERS_BYTES = 4 * 1024;

export interface ReadRequest {
  readonly offset: Offset;
  /** About this many bytes of records; at least one record is returned. */
  readonly bytesMax: number;
  /** Nothing at or above is returned: the committed watermark. */
  readonly limitOffset?: Offset;
  readonly limitIndex?: LogIndex;
  /** Bytes the caller may use in the buffer in front of `records`. */
  readonly headroomBytes?: number;
  /** What to do with a single entry above `bytesMax`; "whole" if not given. */
  readonly oversized?: "whole" | "split";
}

export type ReadResult =
  | {
    readonly ok: true;
    /** Offset of the first record: `offset`, or less if `codec` is not "none". */
    readonly baseOffset: Offset;
    readonly count: number;
    /** One range; `headroomBytes` in front of it in its buffer are the caller's. */
    readonly records: Uint8Array<ArrayBuffer>;
    readonly codec: Codec;
    /** Of the entry with the first record. */
    readonly appendTimeMs: number;
    /** The same for all records of a run. */
    readonly term: Term;
  }
  | { readonly ok: false; readonly reason: "before_start" | "at_end" };

export interface EntriesRequest {
  readonly from: LogIndex;
  /** At least one entry is returned, however long. */
  readonly bytesMax: number;
  readonly countMax: number;
  /** Entries from here on are not returned. */
  readonly limitIndex?: LogIndex;
}

export interface EntryRange {
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly count: number;
  /** Whole entries as they lie on disk, fit for `appendRaw` and `decodeEntries`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Where a search begins. */
interface ReadStart {
  readonly segment: SegmentInfo;
  readonly position: number;
  readonly after: LogPoint;
}

/** Where one ended; names the segment, as it may be sealed by the next time. */
interface ReadCursor {
  readonly segmentFirstIndex: LogIndex;
  readonly position: number;
  readonly after: LogPoint;
}

export class LogReader {
  readonly #segments: SegmentSet;
  /** Where the record of an offset, or the entry of an index, was found to begin. */
  readonly #offsetCursors = new LruCache<Offset, ReadCursor>(READ_CURSORS_MAX);
  readonly #indexCursors = new LruCache<LogIndex, ReadCursor>(READ_CURSORS_MAX);

  constructor(segments: SegmentSet) {
    this.#segments = segments;
  }

  /** After anything was cut or dropped. */
  forgetCursors(): void {
    this.#offsetCursors.clear();
    this.#indexCursors.clear();
  }

  read(request: ReadRequest): ReadResult {
    const { offset } = request;
    const end = Math.min(
      this.#segments.active.point.offset,
      request.limitOffset ?? Infinity,
    );
    if (offset < this.#segments.first.header.start.offset) {
      return { ok: false, reason: "before_start" };
    }
    if (offset >= end) return { ok: false, reason: "at_end" };
    const resumed = this.#resume(this.#offsetCursors.get(offset));
    const start = resumed ?? this.#search(
      this.#segments.holdingOffset(offset),
      (index) => index.floorOfOffset(offset),
    );
    const run = new RecordRun({ ...request, endOffset: end as Offset });
    this.#collect(run, start, {
      bytes: request.bytesMax +
        (resumed === null ? INDEX_INTERVAL_BYTES : HEADERS_BYTES),
      headroomBytes: request.headroomBytes ?? 0,
    });
    const result = run.result();
    return result ?? { ok: false, reason: "at_end" };
  }

  /** Feeds entries to `run` until it has enough; over segment borders only while it is empty. */
  #collect(
    run: RecordRun,
    first: ReadStart,
    options: { readonly bytes: number; readonly headroomBytes: number },
  ): void {
    let start: ReadStart | null = first;
    while (start !== null) {
      const { segment } = start;
      const scanner = this.#scanner(start, options);
      const stop = this.#collectFrom(scanner, run, segment);
      if (stop === "enough") return;
      const next = this.#segments.after(segment);
      start = next === null ? null : this.#startIn(next, null);
    }
  }

  #collectFrom(
    scanner: EntryScanner,
    run: RecordRun,
    segment: SegmentInfo,
  ): "enough" | "segment_end" {
    while (true) {
      const after = scanner.point;
      const step = run.isEmpty ? scanner.next() : scanner.nextInWindow();
      if (step === null || (step.kind === "end" && !run.isEmpty)) {
        return this.#remember(run, segment, scanner);
      }
      if (step.kind === "end") return "segment_end";
      if (step.kind === "damaged") {
        if (run.isEmpty) throw corruptEntry(segment.path, step);
        return "enough";
      }
      const taken = run.take(step);
      if (taken === "all") continue;
      const { position } = step;
      return this.#remember(run, segment, { position, point: after });
    }
  }

  #remember(
    run: RecordRun,
    segment: SegmentInfo,
    { position, point }: {
      readonly position: number;
      readonly point: LogPoint;
    },
  ): "enough" {
    this.#offsetCursors.set(run.nextOffset, {
      segmentFirstIndex: firstIndexOf(segment),
      position,
      after: point,
    });
    return "enough";
  }

  /** Raw entries from an index on; null where there is no such entry. */
  entriesFrom(request: EntriesRequest): EntryRange | null {
    const { from } = request;
    const end = Math.min(
      this.#segments.active.point.index + 1,
      request.limitIndex ?? Infinity,
    );
    if (from < firstIndexOf(this.#segments.first) || from >= end) return null;
    const found = this.#findIndex(from, request.bytesMax);
    const { scanner, segment, step: first } = found;
    let last = first.header;
    let endAt = first.at + last.lengthBytes;
    while (last.index - from + 1 < request.countMax) {
      const step = scanner.nextInWindow();
      if (step === null || step.kind !== "entry") break;
      const nextEndAt = step.at + step.header.lengthBytes;
      if (step.header.index >= end) break;
      if (nextEndAt - first.at > request.bytesMax) break;
      last = step.header;
      endAt = nextEndAt;
    }
    this.#indexCursors.set(last.index + 1 as LogIndex, {
      segmentFirstIndex: firstIndexOf(segment),
      position: first.position + endAt - first.at,
      after: pointAfter(last),
    });
    return {
      firstIndex: from,
      lastIndex: last.index,
      count: last.index - from + 1,
      bytes: first.window.bytes.subarray(first.at, endAt),
    };
  }

  /** Term of an entry, or of the one before the first; null for any other. */
  termAt(index: LogIndex): Term | null {
    const { active, first } = this.#segments;
    if (index === first.header.start.index) return first.header.start.term;
    if (index < first.header.start.index || index > active.point.index) {
      return null;
    }
    if (index >= firstIndexOf(active.info)) return active.termAt(index);
    return this.#findIndex(index, ENTRY_HEADER_BYTES).step.header.term;
  }

  /** Offset of the first record appended at or after `timeMs`; the next offset if none. */
  offsetAtTime(timeMs: number): Offset {
    const segment = this.#segments.holdingTime(timeMs);
    const start = this.#search(segment, (index) => index.floorOfTime(timeMs));
    const scanner = this.#scanner(start, {
      bytes: 2 * INDEX_INTERVAL_BYTES,
      headroomBytes: 0,
    });
    while (true) {
      const step = scanner.next();
      if (step.kind === "damaged") throw corruptEntry(segment.path, step);
      if (step.kind === "end") return scanner.point.offset;
      if (step.header.appendTimeMs >= timeMs) return step.header.baseOffset;
    }
  }

  #findIndex(
    index: LogIndex,
    bytesMax: number,
  ): {
    readonly scanner: EntryScanner;
    readonly segment: SegmentInfo;
    readonly step: Extract<ScanStep, { kind: "entry" }>;
  } {
    const cursor = this.#resume(this.#indexCursors.get(index));
    const start = cursor ?? this.#search(
      this.#segments.holdingIndex(index),
      (sparse) => sparse.floorOfIndex(index),
    );
    const { segment } = start;
    const scanner = this.#scanner(start, {
      bytes: bytesMax + (cursor === null ? INDEX_INTERVAL_BYTES : 0),
      headroomBytes: 0,
    });
    while (true) {
      const step = scanner.next();
      if (step.kind !== "entry") throw corruptEntry(segment.path, step);
      if (step.header.index === index) return { scanner, segment, step };
    }
  }

  /** A cursor, if entries from there on are in its segment or right behind it. */
  #resume(cursor: ReadCursor | undefined): ReadStart | null {
    if (cursor === undefined) return null;
    const { segmentFirstIndex, position, after } = cursor;
    const segment = this.#segments.holdingIndex(segmentFirstIndex);
    if (position < this.#segments.endOf(segment)) {
      return { segment, position, after };
    }
    const next = this.#segments.after(segment);
    return next === null ? null : this.#startIn(next, null);
  }

  /** A sample of a sealed segment comes from a cache file: it is checked first. */
  #search(
    segment: SegmentInfo,
    find: (index: SparseIndex) => IndexSample | null,
  ): ReadStart {
    const start = this.#startIn(segment, find(this.#segments.indexOf(segment)));
    if (segment === this.#segments.active.info) return start;
    const step = this.#scanner(start, {
      bytes: ENTRY_HEADER_BYTES,
      headroomBytes: 0,
    }).next();
    if (step.kind === "entry") return start;
    return this.#startIn(segment, find(this.#segments.rebuildIndex(segment)));
  }

  #startIn(segment: SegmentInfo, sample: IndexSample | null): ReadStart {
    return sample === null
      ? { segment, position: SEGMENT_HEADER_BYTES, after: segment.header.start }
      : { segment, position: sample.position, after: pointBefore(sample) };
  }

  #scanner(
    { segment, position, after }: ReadStart,
    options: { readonly bytes: number; readonly headroomBytes: number },
  ): EntryScanner {
    return new EntryScanner(this.#segments.fileOf(segment), {
      salt: segment.header.salt,
      from: position,
      end: this.#segments.endOf(segment),
      after,
      chunkBytes: options.bytes,
      headroomBytes: options.headroomBytes,
    });
  }
}
