/**
 * What of the log and the hard state is durable. Writes are handed out in
 * numbered Readies; `persisted(number)` makes all up to that number durable.
 * An index is durable only as the entry that is there now: truncation takes the
 * claim back, also from writes that are still on their way.
 */
import { type LogIndex, logIndex } from "../ids.ts";

interface Write {
  readonly number: number;
  readonly sinceMs: number;
  readonly hasHardState: boolean;
  lastIndex: LogIndex;
}

export class Durability {
  #durableIndex: LogIndex;
  #writes: Write[] = [];
  #hardStateNumber = 0;
  #persistedNumber = 0;

  /** After a start all that the log shows is durable. */
  constructor(lastIndex: LogIndex) {
    this.#durableIndex = lastIndex;
  }

  get durableIndex(): LogIndex {
    return this.#durableIndex;
  }

  /** Whether the last hard state that was handed out is durable. */
  get isHardStateDurable(): boolean {
    return this.#persistedNumber >= this.#hardStateNumber;
  }

  /** When the oldest write that is not yet durable was handed out. */
  get waitingSinceMs(): number | undefined {
    return this.#writes[0]?.sinceMs;
  }

  wrote(write: Write): void {
    this.#writes.push(write);
    if (write.hasHardState) this.#hardStateNumber = write.number;
  }

  truncatedFrom(index: LogIndex): void {
    const last = logIndex(index - 1);
    if (this.#durableIndex > last) this.#durableIndex = last;
    for (const write of this.#writes) {
      if (write.lastIndex > last) write.lastIndex = last;
    }
  }

  persisted(number: number): void {
    if (number > this.#persistedNumber) this.#persistedNumber = number;
    const done = this.#writes.filter((write) => write.number <= number);
    this.#writes.splice(0, done.length);
    for (const write of done) {
      if (write.lastIndex > this.#durableIndex) {
        this.#durableIndex = write.lastIndex;
      }
    }
  }
}
