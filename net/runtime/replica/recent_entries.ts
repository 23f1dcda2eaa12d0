/**
 * Term and size of the last entries of a log: what replication asks for again
 * and again. Bounded; of older entries the log itself is asked.
 */
import { assert } from "../../../core/assert.ts";
import { type LogIndex, logIndex, type Term } from "../../../core/ids.ts";

const COUNT_MAX = 16_384;

interface RecentEntry {
  readonly term: Term;
  readonly sizeBytes: number;
}

export class RecentEntries {
  #firstIndex: number;
  #entries: RecentEntry[] = [];

  constructor(nextIndex: LogIndex) {
    this.#firstIndex = nextIndex;
  }

  get(index: LogIndex): RecentEntry | undefined {
    return this.#entries[index - this.#firstIndex];
  }

  has(index: LogIndex): boolean {
    return index >= this.#firstIndex;
  }

  add(index: LogIndex, entry: RecentEntry): void {
    assert(
      index === this.#firstIndex + this.#entries.length,
      `Entry ${index} does not follow the last one`,
    );
    this.#entries.push(entry);
    if (this.#entries.length <= COUNT_MAX) return;
    this.#firstIndex += COUNT_MAX / 2;
    this.#entries = this.#entries.slice(COUNT_MAX / 2);
  }

  truncateFrom(index: LogIndex): void {
    if (index < this.#firstIndex) return this.startAt(index);
    this.#entries.length = Math.min(
      this.#entries.length,
      index - this.#firstIndex,
    );
  }

  /** Forgets all; the next entry is `index`. */
  startAt(index: LogIndex): void {
    this.#firstIndex = index;
    this.#entries = [];
  }

  /** As `LogView.measure`, from an entry that is remembered. */
  measure(
    range: { from: LogIndex; to: LogIndex; bytesMax: number },
  ): { to: LogIndex; sizeBytes: number } {
    let sizeBytes = 0;
    let last: number = range.from - 1;
    while (last < range.to) {
      const next = this.get(logIndex(last + 1));
      assert(next !== undefined, `Entry ${last + 1} is not in the log`);
      if (sizeBytes > 0 && sizeBytes + next.sizeBytes > range.bytesMax) break;
      sizeBytes += next.sizeBytes;
      last += 1;
    }
    return { to: logIndex(last), sizeBytes };
  }
}
