/**
 * The log engine as Raft sees it, and its raw entries for messages. The log
 * begins, for Raft, where the base says: the engine may still hold entries
 * before that, which are about to be dropped.
 */
import { assert } from "../../../core/assert.ts";
import { type LogIndex, logIndex, type Term } from "../../../core/ids.ts";
import type { Log } from "../../../core/log/log.ts";
import type { LogStart, LogView } from "../../../core/raft/log_view.ts";
import { RecentEntries } from "./recent_entries.ts";

/** Reads that were made once and serve every follower. */
const READS_KEPT = 4;

interface RawRange {
  readonly from: LogIndex;
  readonly to: LogIndex;
  readonly parts: readonly Uint8Array[];
  readonly sizeBytes: number;
}

export class ReplicaLogView implements LogView {
  readonly #log: Log;
  readonly #recent: RecentEntries;
  #start: LogStart;
  #reads: RawRange[] = [];

  constructor(log: Log, start: LogStart) {
    this.#log = log;
    this.#start = start;
    this.#recent = new RecentEntries(logIndex(log.lastIndex + 1));
  }

  get start(): LogStart {
    return this.#start;
  }

  get lastIndex(): LogIndex {
    return this.#log.lastIndex;
  }

  termAt(index: LogIndex): Term {
    if (index === this.#start.index) return this.#start.term;
    const term = this.#recent.get(index)?.term ?? this.#log.termAt(index);
    assert(term !== null, `Entry ${index} is not in the log`);
    return term;
  }

  measure(
    range: { from: LogIndex; to: LogIndex; bytesMax: number },
  ): { to: LogIndex; sizeBytes: number } {
    if (this.#recent.has(range.from)) return this.#recent.measure(range);
    const { to, sizeBytes } = this.#keep(this.#readRun(range));
    return { to, sizeBytes };
  }

  /** The raw entries from..to. */
  raw(range: { from: LogIndex; to: LogIndex }): readonly Uint8Array[] {
    const { from, to } = range;
    const known = this.#reads.find((it) => it.from === from && it.to === to);
    if (known !== undefined) return known.parts;
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    for (let next = from; next <= to;) {
      const bytesMax = this.#recent.has(next)
        ? this.#recent.measure({ from: next, to, bytesMax: Infinity }).sizeBytes
        : Number.MAX_SAFE_INTEGER;
      const run = this.#readRun({ from: next, to, bytesMax });
      parts.push(...run.parts);
      sizeBytes += run.sizeBytes;
      next = logIndex(run.to + 1);
    }
    return this.#keep({ from, to, parts, sizeBytes }).parts;
  }

  /** An entry was written at the end. */
  appended(entry: { index: LogIndex; term: Term; sizeBytes: number }): void {
    this.#recent.add(entry.index, entry);
  }

  truncatedFrom(index: LogIndex): void {
    this.#recent.truncateFrom(index);
    this.#reads = [];
  }

  /** The log begins anew after `start`, and is empty. */
  resetTo(start: LogStart): void {
    this.#start = start;
    this.#recent.startAt(logIndex(start.index + 1));
    this.#reads = [];
  }

  /** The log begins after `start`; what follows is as it was. */
  startAfter(start: LogStart): void {
    this.#start = start;
  }

  /** What one read of the engine gives: it ends at the end of a segment. */
  #readRun(
    range: { from: LogIndex; to: LogIndex; bytesMax: number },
  ): RawRange {
    const { from, to, bytesMax } = range;
    const read = this.#log.entriesFrom({
      from,
      bytesMax: Math.min(bytesMax, RUN_BYTES_MAX),
      countMax: to - from + 1,
    });
    assert(read !== null, `Entries from ${from} on are not in the log`);
    const { bytes } = read;
    return {
      from,
      to: read.lastIndex,
      parts: [bytes],
      sizeBytes: bytes.length,
    };
  }

  #keep(read: RawRange): RawRange {
    this.#reads.push(read);
    if (this.#reads.length > READS_KEPT) this.#reads.shift();
    return read;
  }
}

const RUN_BYTES_MAX = 8 * 1024 * 1024;
