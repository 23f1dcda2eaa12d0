/**
 * The log as Raft's rules see it: what the runtime's log shows, changed by what
 * Raft has decided since the last `Ready` and the runtime has not yet written.
 * Holds new entries only until they are taken.
 */
import { type LogIndex, logIndex, type Term, term } from "../ids.ts";
import { assert } from "../assert.ts";
import type { LogStart, LogView } from "./log_view.ts";
import type { PersistEntry, Reset } from "./ready.ts";
import { TermRuns } from "./term_runs.ts";

/** Entries without a payload count as this much against the bounds. */
const SMALL_ENTRY_SIZE_BYTES = 128;

/** Changes to the log, in the order in which they must be made. */
export interface LogChange {
  readonly reset: Reset | undefined;
  readonly truncateFrom: LogIndex | undefined;
  readonly entries: readonly PersistEntry[];
}

export class EntryLog {
  readonly #view: LogView;
  #reset: Reset | undefined;
  #truncateFrom: LogIndex | undefined;
  #tail: PersistEntry[] = [];
  readonly #terms = new TermRuns();

  constructor(view: LogView) {
    this.#view = view;
  }

  get start(): LogStart {
    return this.#reset?.start ?? this.#view.start;
  }

  get lastIndex(): LogIndex {
    return this.#tail.at(-1)?.index ?? this.#writtenIndex;
  }

  get lastTerm(): Term {
    return this.termAt(this.lastIndex) ?? term(0);
  }

  /** Undefined before the start and after the end of the log. */
  termAt(index: LogIndex): Term | undefined {
    const start = this.start;
    if (index === start.index) return start.term;
    if (index < start.index) return undefined;
    if (index > this.lastIndex) return undefined;
    return this.#terms.termAt(index) ?? this.#view.termAt(index);
  }

  /** Largest index up to `index` whose term is not above `termMax`. */
  lastIndexOfTerm(index: LogIndex, termMax: Term): LogIndex {
    let low: number = this.start.index;
    let high: number = Math.max(low, Math.min(index, this.lastIndex));
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.termAt(logIndex(middle)) ?? 0) <= termMax) low = middle;
      else high = middle - 1;
    }
    return logIndex(low);
  }

  append(entry: PersistEntry): void {
    assert(
      entry.index === this.lastIndex + 1,
      `Cannot append entry ${entry.index} after ${this.lastIndex}`,
    );
    assert(
      entry.term >= this.lastTerm,
      `Entry ${entry.index} of term ${entry.term} follows term ${this.lastTerm}`,
    );
    this.#tail.push(entry);
    this.#terms.appended(entry);
  }

  truncateFrom(index: LogIndex): void {
    assert(
      index > this.start.index && index <= this.lastIndex,
      `Cannot truncate from ${index} in a log of ${this.start.index}..${this.lastIndex}`,
    );
    this.#terms.truncatedFrom(index);
    const written = this.#writtenIndex;
    if (index > written) {
      this.#tail.length = index - written - 1;
      return;
    }
    this.#tail = [];
    this.#truncateFrom = index;
  }

  /** Begins the log anew after `reset.start`. */
  resetTo(reset: Reset): void {
    this.#reset = reset;
    this.#truncateFrom = undefined;
    this.#tail = [];
    this.#terms.forget();
  }

  /** What was taken last could not be written: only the view is true. */
  writeFailed(): void {
    this.#terms.truncatedFrom(logIndex(this.#view.lastIndex + 1));
  }

  /** How far from `from` entries fit in the bounds; at least one is taken. */
  measure(
    range: {
      from: LogIndex;
      to: LogIndex;
      bytesMax: number;
      entriesMax: number;
    },
  ): { to: LogIndex; sizeBytes: number } {
    const to = logIndex(Math.min(range.to, range.from + range.entriesMax - 1));
    const written = this.#writtenIndex;
    let last = logIndex(range.from - 1);
    let sizeBytes = 0;
    if (range.from <= written) {
      const end = logIndex(Math.min(to, written));
      const measured = this.#view.measure({ ...range, to: end });
      if (measured.to < end) return measured;
      ({ to: last, sizeBytes } = measured);
    }
    while (last < to) {
      const next = this.#tail[last - written];
      assert(next !== undefined, `Entry ${last + 1} is not in the log`);
      const nextSizeBytes = sizeOf(next);
      if (sizeBytes > 0 && sizeBytes + nextSizeBytes > range.bytesMax) break;
      sizeBytes += nextSizeBytes;
      last = next.index;
    }
    return { to: last, sizeBytes };
  }

  /** What must be written now; from here on the view shows it. */
  take(): LogChange | undefined {
    const change = {
      reset: this.#reset,
      truncateFrom: this.#truncateFrom,
      entries: this.#tail,
    };
    const isEmpty = change.reset === undefined &&
      change.truncateFrom === undefined && change.entries.length === 0;
    this.#reset = undefined;
    this.#truncateFrom = undefined;
    this.#tail = [];
    return isEmpty ? undefined : change;
  }

  /** Last entry that the runtime has, after the pending reset or truncation. */
  get #writtenIndex(): LogIndex {
    if (this.#truncateFrom !== undefined) {
      return logIndex(this.#truncateFrom - 1);
    }
    return this.#reset?.start.index ?? this.#view.lastIndex;
  }
}

export function sizeOf(entry: PersistEntry): number {
  switch (entry.kind) {
    case "data":
      return entry.proposal.sizeBytes;
    case "raw":
      return entry.raw.length;
    default:
      return SMALL_ENTRY_SIZE_BYTES;
  }
}
