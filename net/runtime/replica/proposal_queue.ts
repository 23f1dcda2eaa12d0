/**
 * Proposals on their way into the log: they gather in batches while the disk is
 * busy, each batch becomes one entry, and each proposal is answered when its
 * entry is decided. Answers repeated requests from what is known of producers.
 */
import { assert } from "../../../core/assert.ts";
import type { Accepted, Proposal } from "../../../core/cluster/proposal.ts";
import { ProglogError } from "../../../core/errors.ts";
import type { LogIndex, Term } from "../../../core/ids.ts";
import {
  BATCH_BYTES_TARGET,
  PENDING_BYTES_MAX,
  PROPOSAL_BYTES_MAX,
  REQUEST_OVERHEAD_BYTES,
} from "../../../core/limits.ts";
import { ENTRY_HEADER_BYTES } from "../../../core/log/entry.ts";
import { Batch } from "./batch.ts";
import type { EntryWaiters } from "./entry_waiters.ts";
import { notLeader, outcomeUnknown } from "./errors.ts";
import type { BatchProposal } from "./log_writer.ts";
import type { Producers } from "./producers.ts";

/** About what one producer mark adds to an entry. */
const MARK_BYTES = 16;
const SPARE_BATCHES_MAX = 4;

export class ProposalQueue {
  readonly #producers: Producers;
  readonly #waiters: EntryWaiters;
  #batches: Batch[] = [];
  #spare: Batch[] = [];
  #pendingBytes = 0;

  constructor(
    parts: { readonly producers: Producers; readonly waiters: EntryWaiters },
  ) {
    this.#producers = parts.producers;
    this.#waiters = parts.waiters;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Whether there is as much as one entry should hold. */
  get isFull(): boolean {
    return this.#batches.length > 1 ||
      (this.#batches[0]?.size ?? 0) >= BATCH_BYTES_TARGET;
  }

  /**
   * The answer for a repeated request, or a place in the queue. Rejects as
   * `Replica.propose`.
   */
  add(proposal: Proposal): Promise<Accepted> {
    const { producer } = proposal;
    if (producer === undefined) return this.#enqueue(proposal);
    const known = this.#producers.check(producer);
    switch (known.kind) {
      case "new": {
        const answer = this.#enqueue(proposal);
        this.#producers.enqueued(producer, answer);
        return answer;
      }
      case "queued":
        return known.answer;
      case "appended":
        return this.#follow(known.request);
      case "committed":
        return Promise.resolve(known.accepted);
      case "refused":
        return Promise.reject(known.reason);
    }
  }

  /** Whether it seems to skip a sequence, as far as this node knows. */
  isOutOfOrder({ producer }: Proposal): boolean {
    if (producer === undefined) return false;
    const known = this.#producers.check(producer);
    return known.kind === "refused" && known.reason.code === "out_of_order";
  }

  /** Why it is not even looked at; undefined when it is. */
  refusal(proposal: Proposal): ProglogError | undefined {
    const size = proposal.records.length;
    if (size > PROPOSAL_BYTES_MAX) {
      return new ProglogError(
        "too_large",
        `Cannot append ${size} bytes of records at once as the limit is ${PROPOSAL_BYTES_MAX} bytes`,
      );
    }
    const pendingBytes = this.#pendingBytes + size + REQUEST_OVERHEAD_BYTES;
    if (pendingBytes <= PENDING_BYTES_MAX) return undefined;
    return new ProglogError(
      "overloaded",
      `Cannot append now as ${this.#pendingBytes} bytes wait for the disk already`,
    );
  }

  /** The next entry to propose; `proposed` or `refuseAll` must follow. */
  get next(): BatchProposal | undefined {
    const batch = this.#batches[0];
    if (batch === undefined) return undefined;
    const metaBytes = batch.marks.length * MARK_BYTES;
    const sizeBytes = ENTRY_HEADER_BYTES + metaBytes + batch.size;
    return { sizeBytes, batch };
  }

  /** The next entry was taken by Raft, as this one. */
  proposed(entry: { readonly index: LogIndex; readonly term: Term }): void {
    const batch = this.#batches.shift();
    assert(batch !== undefined, "An entry was proposed that was not queued");
    const settle = (answer: () => void): void => {
      answer();
      this.#recycle(batch);
    };
    this.#waiters.add({
      ...entry,
      committed: () => settle(() => batch.accept()),
      lost: () => settle(() => batch.reject(notLeader(undefined))),
      undecided: (why) => settle(() => batch.reject(outcomeUnknown(why))),
      refused: (reason) => {
        this.#producers.dequeued(batch.marks);
        settle(() => batch.reject(reason));
      },
    });
  }

  /** The batch is in the log: its requests are known there from now on. */
  written(batch: Batch): void {
    this.#producers.dequeued(batch.marks);
  }

  /** Nothing that waits will be appended; none may overtake another. */
  refuseAll(reason: ProglogError): void {
    const refused = this.#batches;
    this.#batches = [];
    for (const batch of refused) {
      this.#producers.dequeued(batch.marks);
      batch.reject(reason);
      this.#recycle(batch);
    }
  }

  #follow(
    request: Accepted & { readonly index: LogIndex; readonly term: Term },
  ): Promise<Accepted> {
    const { index, term, offset, count } = request;
    return new Promise((resolve, reject) =>
      this.#waiters.add({
        index,
        term,
        committed: () => resolve({ offset, count }),
        lost: () => reject(notLeader(undefined)),
        undecided: (why) => reject(outcomeUnknown(why)),
        refused: reject,
      })
    );
  }

  #enqueue(proposal: Proposal): Promise<Accepted> {
    const size = proposal.records.length;
    this.#pendingBytes += size + REQUEST_OVERHEAD_BYTES;
    return this.#openBatch(size).add(proposal);
  }

  #openBatch(size: number): Batch {
    const open = this.#batches.at(-1);
    if (open !== undefined && open.size + size <= BATCH_BYTES_TARGET) {
      return open;
    }
    const batch = this.#spare.pop() ?? new Batch();
    this.#batches.push(batch);
    return batch;
  }

  #recycle(batch: Batch): void {
    this.#pendingBytes -= batch.size +
      batch.requestCount * REQUEST_OVERHEAD_BYTES;
    assert(this.#pendingBytes >= 0, "More bytes left the queue than entered");
    batch.clear();
    if (this.#spare.length < SPARE_BATCHES_MAX) this.#spare.push(batch);
  }
}
