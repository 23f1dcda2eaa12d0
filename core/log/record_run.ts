/**
 * Gathers the records of consecutive entries into one byte range, in the buffer
 * that they were read into: the records of later entries are moved up against
 * those of the first, over the headers between them.
 */

import type { LogIndex, Offset, Term } from "../ids.ts";
import { type Codec, ENTRY_HEADER_BYTES, type EntryHeader } from "./entry.ts";
import type { ScanStep } from "./entry_scanner.ts";
import type { ReadResult } from "./log_reader.ts";
import { recordEnd, skipRecords } from "./record_walk.ts";

type EntryStep = Extract<ScanStep, { kind: "entry" }>;

export interface RecordRunRequest {
  readonly offset: Offset;
  /** Records from here on are not taken. */
  readonly endOffset: Offset;
  readonly limitIndex?: LogIndex;
  readonly bytesMax: number;
  readonly oversized?: "whole" | "split";
}

/** What the first entry of a run fixes for all of it. */
interface RunHead {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly start: number;
  readonly baseOffset: Offset;
  readonly codec: Codec;
  readonly appendTimeMs: number;
  readonly term: Term;
}

export class RecordRun {
  readonly #request: RecordRunRequest;
  #head: RunHead | null = null;
  #end = 0;
  #count = 0;

  constructor(request: RecordRunRequest) {
    this.#request = request;
  }

  get isEmpty(): boolean {
    return this.#head === null;
  }

  /** The offset behind the last record that was taken. */
  get nextOffset(): Offset {
    const base = this.#head?.baseOffset ?? this.#request.offset;
    return base + this.#count as Offset;
  }

  /**
   * Takes the records of the next entry that are asked for. "all": the run can
   * go on with the entry behind it. "part": some or none were left.
   */
  take(step: EntryStep): "all" | "part" {
    const { header } = step;
    if (header.index >= (this.#request.limitIndex ?? Infinity)) return "part";
    const endOffset = header.baseOffset + header.recordCount;
    if (header.kind !== "data" || endOffset <= this.#request.offset) {
      return "all";
    }
    if (header.baseOffset >= this.#request.endOffset) return "part";
    if (this.#head === null) return this.#takeFirst(step);
    return this.#takeNext(step, this.#head);
  }

  result(): ReadResult | null {
    if (this.#head === null) return null;
    const { bytes, start, baseOffset, codec, appendTimeMs, term } = this.#head;
    return {
      ok: true,
      baseOffset,
      count: this.#count,
      records: bytes.subarray(start, this.#end),
      codec,
      appendTimeMs,
      term,
    };
  }

  #takeFirst({ header, window: { bytes }, at }: EntryStep): "all" | "part" {
    const recordsAt = recordsStart(header, at);
    const isPlain = header.codec === "none";
    const skipped = isPlain
      ? Math.max(0, this.#request.offset - header.baseOffset)
      : 0;
    const start = skipRecords(bytes, recordsAt, skipped);
    const { codec, appendTimeMs, term } = header;
    const baseOffset = header.baseOffset + skipped as Offset;
    this.#head = { bytes, start, baseOffset, codec, appendTimeMs, term };
    const left = header.recordCount - skipped;
    this.#end = at + header.lengthBytes;
    this.#count = left;
    if (!isPlain) return "all";
    const bytesMax = this.#request.oversized === "split"
      ? this.#request.bytesMax
      : Infinity;
    const countMax = Math.min(left, this.#request.endOffset - baseOffset);
    if (countMax === left && this.#end - start <= bytesMax) return "all";
    this.#cutRun(bytes, start, { bytesMax, countMax });
    return this.#count === left ? "all" : "part";
  }

  /** Keeps as many records from `start` on as fit, at least one. */
  #cutRun(
    bytes: Uint8Array,
    start: number,
    max: { readonly bytesMax: number; readonly countMax: number },
  ): void {
    let end = recordEnd(bytes, start);
    let count = 1;
    while (count < max.countMax) {
      const next = recordEnd(bytes, end);
      if (next - start > max.bytesMax) break;
      end = next;
      count += 1;
    }
    this.#end = end;
    this.#count = count;
  }

  #takeNext(
    { header, window: { bytes }, at }: EntryStep,
    head: RunHead,
  ): "all" | "part" {
    const from = recordsStart(header, at);
    const length = at + header.lengthBytes - from;
    const fits = this.#end - head.start + length <= this.#request.bytesMax;
    const isWholeBelow =
      header.baseOffset + header.recordCount <= this.#request.endOffset;
    if (
      !fits || !isWholeBelow || header.term !== head.term ||
      header.codec !== "none" || head.codec !== "none"
    ) return "part";
    bytes.copyWithin(this.#end, from, from + length);
    this.#end += length;
    this.#count += header.recordCount;
    return "all";
  }
}

function recordsStart(header: EntryHeader, at: number): number {
  return at + ENTRY_HEADER_BYTES + header.metaLengthBytes;
}
