/**
 * A segment: one file of the log. `SegmentInfo` is what the log remembers of
 * every segment; `ActiveSegment` is the last one, the only one that is written.
 */

import { corruptEntry } from "./log_errors.ts";
import type { DiskFile } from "../env.ts";
import type { LogIndex, Term } from "../ids.ts";
import type { EntryHeader } from "./entry.ts";
import { EntryScanner } from "./entry_scanner.ts";
import { type LogPoint, pointAfter } from "./log_point.ts";
import { type IndexSample, SparseIndex } from "./offset_index.ts";
import { SEGMENT_HEADER_BYTES, type SegmentHeader } from "./segment_header.ts";

export interface SegmentInfo {
  readonly path: string;
  readonly header: SegmentHeader;
  /** Size of the file; of the active segment, when it became active. */
  readonly sizeBytes: number;
}

export function firstIndexOf(segment: SegmentInfo): LogIndex {
  return segment.header.start.index + 1 as LogIndex;
}

/**
 * What is known of the segment under the pen. Invariants:
 * 1. `point` is the point after the last entry in the file below `endPosition`.
 * 2. `timeMaxMs` is the largest append time of all entries up to `point`.
 * 3. `#termStarts` has one element per term in the segment, ascending.
 */
export class ActiveSegment {
  readonly info: SegmentInfo;
  readonly file: DiskFile;
  #index = new SparseIndex();
  #point: LogPoint;
  #endPosition = SEGMENT_HEADER_BYTES;
  #timeMaxMs: number;
  #firstTimeMs: number | null = null;
  #termStarts: { readonly index: LogIndex; readonly term: Term }[] = [];

  constructor(info: SegmentInfo, file: DiskFile) {
    this.info = info;
    this.file = file;
    this.#point = info.header.start;
    this.#timeMaxMs = info.header.timeMaxBeforeMs;
  }

  get index(): SparseIndex {
    return this.#index;
  }
  get point(): LogPoint {
    return this.#point;
  }
  get endPosition(): number {
    return this.#endPosition;
  }
  get timeMaxMs(): number {
    return this.#timeMaxMs;
  }
  get firstTimeMs(): number | null {
    return this.#firstTimeMs;
  }

  /** Takes note of the entry that now ends the segment. */
  note(header: EntryHeader): void {
    const position = this.#endPosition;
    this.#index.note(header, position, this.#timeMaxMs);
    if (this.#termStarts.at(-1)?.term !== header.term) {
      this.#termStarts.push({ index: header.index, term: header.term });
    }
    this.#firstTimeMs ??= header.appendTimeMs;
    this.#timeMaxMs = Math.max(this.#timeMaxMs, header.appendTimeMs);
    this.#point = pointAfter(header);
    this.#endPosition = position + header.lengthBytes;
  }

  /** Term of an entry of this segment. */
  termAt(index: LogIndex): Term {
    for (let i = this.#termStarts.length - 1; i >= 0; i--) {
      const start = this.#termStarts[i];
      if (start !== undefined && start.index <= index) return start.term;
    }
    return this.info.header.start.term;
  }

  /**
   * Forgets entries from `index` on, which is in the segment or right behind
   * it; the bytes in the file are the caller's. Throws `corrupt`.
   */
  forgetFrom(index: LogIndex): void {
    const end = this.#endPosition;
    const sample = this.#index.floorOfIndex(index - 1 as LogIndex);
    this.#index.cutFrom((sample?.index ?? 0) + 1 as LogIndex);
    this.#termStarts = this.#termStarts.filter((start) =>
      sample !== null && start.index <= sample.index
    );
    this.#point = this.info.header.start;
    this.#endPosition = sample?.position ?? SEGMENT_HEADER_BYTES;
    this.#timeMaxMs = sample?.timeMaxBeforeMs ??
      this.info.header.timeMaxBeforeMs;
    if (sample === null) this.#firstTimeMs = null;
    else this.#noteAgain(sample, { last: index - 1, end });
  }

  /** Notes the entries from `sample` up to index `last` once more. */
  #noteAgain(
    sample: IndexSample,
    { last, end }: { readonly last: number; readonly end: number },
  ): void {
    const scanner = new EntryScanner(this.file, {
      salt: this.info.header.salt,
      from: sample.position,
      end,
      after: pointBefore(sample),
    });
    while (this.#point.index < last) {
      const step = scanner.next();
      if (step.kind !== "entry") throw corruptEntry(this.info.path, step);
      this.note(step.header);
    }
  }
}

/** As much as a sample knows of the point before its entry: the term is open. */
export function pointBefore(sample: IndexSample): LogPoint {
  return {
    index: sample.index - 1 as LogIndex,
    term: 0 as Term,
    offset: sample.offset,
  };
}
