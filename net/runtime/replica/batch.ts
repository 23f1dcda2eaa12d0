/**
 * The records that wait to become one entry (group commit): their bytes in one
 * reused buffer, who waits for them, and their producer marks.
 * Callers: the proposal queue of a replica.
 */
import type { Accepted, Proposal } from "../../../core/cluster/proposal.ts";
import type { ProducerMark } from "../../../core/cluster/producer_table.ts";

interface Waiter {
  readonly relativeOffset: number;
  readonly count: number;
  readonly resolve: (accepted: Accepted) => void;
  readonly reject: (reason: Error) => void;
}

const CAPACITY_MIN = 64 * 1024;

export class Batch {
  /** Where its first record is in the log; set when it is written. */
  baseOffset = 0;
  #bytes: Uint8Array = new Uint8Array(CAPACITY_MIN);
  #length = 0;
  #recordCount = 0;
  #waiters: Waiter[] = [];
  #marks: ProducerMark[] = [];

  get isEmpty(): boolean {
    return this.#waiters.length === 0;
  }

  get requestCount(): number {
    return this.#waiters.length;
  }

  get size(): number {
    return this.#length;
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  /** A view that is good until the next `add` after a `clear`. */
  get records(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  get marks(): readonly ProducerMark[] {
    return this.#marks;
  }

  add(proposal: Proposal): Promise<Accepted> {
    const relativeOffset = this.#recordCount;
    const { count, producer } = proposal;
    this.#copy(proposal.records);
    this.#recordCount += count;
    if (producer !== undefined) {
      this.#marks.push({
        producerId: producer.id,
        sequence: producer.sequence,
        relativeOffset,
        count,
      });
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ relativeOffset, count, resolve, reject });
    });
  }

  /** Answers all who wait, in the order of their records. */
  accept(): void {
    for (const { relativeOffset, count, resolve } of this.#waiters) {
      resolve({ offset: this.baseOffset + relativeOffset, count });
    }
  }

  reject(reason: Error): void {
    for (const waiter of this.#waiters) waiter.reject(reason);
  }

  /** Makes the batch ready for the next entry; keeps the buffer. */
  clear(): void {
    this.#length = 0;
    this.#recordCount = 0;
    this.#waiters = [];
    this.#marks = [];
  }

  #copy(records: Uint8Array): void {
    const needed = this.#length + records.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(records, this.#length);
    this.#length = needed;
  }
}
