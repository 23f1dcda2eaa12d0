/**
 * How many bytes the leader has taken in and not yet committed: the bound that
 * keeps a leader without a quorum from growing its log without end.
 */
import type { LogIndex } from "../ids.ts";

export class UncommittedTail {
  #entries: { index: LogIndex; sizeBytes: number }[] = [];
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  added(entry: { index: LogIndex; sizeBytes: number }): void {
    this.#entries.push(entry);
    this.#sizeBytes += entry.sizeBytes;
  }

  committed(index: LogIndex): void {
    const count = this.#entries.findIndex((entry) => entry.index > index);
    const done = this.#entries.splice(
      0,
      count === -1 ? this.#entries.length : count,
    );
    for (const entry of done) this.#sizeBytes -= entry.sizeBytes;
  }
}
