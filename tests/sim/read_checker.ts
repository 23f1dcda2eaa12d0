/**
 * Linearizable reads: the index that a read gets is not below anything that was
 * committed when the read began.
 */
import type { ReadState } from "../../core/raft/ready.ts";
import { fail } from "./checker.ts";

export class ReadChecker {
  /** Highest index known to be committed anywhere. */
  committedIndex = 0;
  answeredCount = 0;
  readonly #floors = new Map<number, number>();

  began(context: number): void {
    this.#floors.set(context, this.committedIndex);
  }

  answered(nodeId: string, read: ReadState): void {
    const floor = this.#floors.get(read.context);
    if (floor === undefined) return;
    if (!read.ok) return;
    this.answeredCount++;
    if (read.index < floor) {
      fail(
        `Stale read: ${nodeId} answered ${read.index} to a read that began when ${floor} was committed`,
      );
    }
  }
}
