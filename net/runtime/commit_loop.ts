/**
 * Group commit for one log: all that is proposed while the disk is busy goes
 * out as the next entries, with one sync, and is acknowledged after it.
 *
 * Invariants:
 * 1. A proposal resolves only after the sync that its policy asks for.
 * 2. Readers see an offset only from the same moment on.
 * 3. Proposals resolve in the order in which they were made.
 * 4. After a failed sync nothing is acknowledged any more: the loop has failed.
 * Callers: the rpc handlers and the agent; `core/log` below.
 */
import { assert } from "../../core/assert.ts";
import type { Accepted, Proposal } from "../../core/cluster/proposal.ts";
import type { ProducerTable } from "../../core/cluster/producer_table.ts";
import { encodeMarks } from "../../core/cluster/producer_table.ts";
import type { Clock, Scheduler } from "../../core/env.ts";
import { isProglogError, ProglogError } from "../../core/errors.ts";
import { logIndex, type Offset, offset, type Term } from "../../core/ids.ts";
import {
  BATCH_BYTES_TARGET,
  PENDING_BYTES_MAX,
  PROPOSAL_BYTES_MAX,
} from "../../core/limits.ts";
import type { Log } from "../../core/log/log.ts";
import { Batch } from "./batch.ts";
import type { FsyncPolicy } from "./fsync.ts";
import { InFlightProducers } from "./in_flight_producers.ts";
import { Waiters } from "./waiters.ts";

export interface CommitLoopOptions {
  readonly log: Log;
  readonly term: Term;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly fsync: FsyncPolicy;
  readonly producers: ProducerTable;
  /** Called once, when the loop can go on no more. */
  readonly onFailure: (cause: ProglogError) => void;
  /** Called after each commit with the bytes that it wrote. */
  readonly onCommit?: (bytes: number) => void;
}

export class CommitLoop {
  readonly #options: CommitLoopOptions;
  readonly #producers: InFlightProducers;
  readonly #appended = new Waiters();
  #queue: Batch[] = [];
  #spare: Batch[] = [];
  #pendingBytes = 0;
  #nextOffset: Offset;
  #running: Promise<void> | undefined;
  #failure: ProglogError | undefined;
  #appendBlocked: ProglogError | undefined;
  #cancelTimedSync: (() => void) | undefined;

  constructor(options: CommitLoopOptions) {
    this.#options = options;
    this.#producers = new InFlightProducers(options.producers);
    this.#nextOffset = options.log.nextOffset;
  }

  /** The offset after the last readable record. */
  get nextOffset(): Offset {
    return this.#nextOffset;
  }

  /** Why the last append was refused; undefined when appends work. */
  get appendBlocked(): ProglogError | undefined {
    return this.#failure ?? this.#appendBlocked;
  }

  /**
   * Appends records; resolves when they are durable as `--fsync` says.
   * Rejects with `overloaded`, `too_large`, `out_of_order`, `already_exists`,
   * `disk_full` or `unavailable`; then nothing was appended, except after
   * `unavailable`, where nobody knows.
   */
  propose(proposal: Proposal): Promise<Accepted> {
    const refusal = this.#refusal(proposal);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#producers.once(proposal, () => this.#enqueue(proposal));
  }

  /** Resolves as soon as `from` can be read, or when `signal` aborts. */
  whenReadable(from: Offset, signal: AbortSignal): Promise<void> {
    if (from < this.#nextOffset || signal.aborted) return Promise.resolve();
    return this.#appended.wait(signal);
  }

  /** Takes no more proposals, makes all earlier ones durable, and ends. */
  async stop(): Promise<void> {
    this.#failure ??= new ProglogError("unavailable", "The agent is stopping");
    await this.#running;
    this.#cancelTimedSync?.();
    await this.#options.log.sync();
  }

  #refusal(proposal: Proposal): ProglogError | undefined {
    if (this.#failure !== undefined) return this.#failure;
    const size = proposal.records.length;
    if (size > PROPOSAL_BYTES_MAX) {
      return new ProglogError(
        "too_large",
        `Cannot append ${size} bytes of records at once as the limit is ${PROPOSAL_BYTES_MAX} bytes`,
      );
    }
    if (this.#pendingBytes + size <= PENDING_BYTES_MAX) return undefined;
    return new ProglogError(
      "overloaded",
      `Cannot append now as ${this.#pendingBytes} bytes wait for the disk already`,
    );
  }

  #enqueue(proposal: Proposal): Promise<Accepted> {
    this.#pendingBytes += proposal.records.length;
    const accepted = this.#openBatch(proposal.records.length).add(proposal);
    this.#running ??= this.#run();
    return accepted;
  }

  #openBatch(size: number): Batch {
    const open = this.#queue.at(-1);
    if (open !== undefined && open.size + size <= BATCH_BYTES_TARGET) {
      return open;
    }
    const batch = this.#spare.pop() ?? new Batch();
    this.#queue.push(batch);
    return batch;
  }

  async #run(): Promise<void> {
    // Let all that arrived in this turn join the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batches = this.#queue;
      this.#queue = [];
      await this.#commit(batches);
    }
    this.#running = undefined;
  }

  async #commit(batches: readonly Batch[]): Promise<void> {
    const written = this.#write(batches);
    if (written.length > 0) await this.#makeDurable(written);
    for (const batch of batches) this.#recycle(batch);
  }

  /** The batches that are in the log now; the others were refused. */
  #write(batches: readonly Batch[]): readonly Batch[] {
    for (const [n, batch] of batches.entries()) {
      try {
        this.#append(batch);
        this.#appendBlocked = undefined;
      } catch (error) {
        this.#refuse(batches.slice(n), asProglogError(error));
        return batches.slice(0, n);
      }
    }
    return batches;
  }

  #append(batch: Batch): void {
    const { log, term, clock } = this.#options;
    batch.baseOffset = log.nextOffset;
    log.append({
      index: logIndex(log.lastIndex + 1),
      term,
      kind: "data",
      recordCount: batch.recordCount,
      appendTimeMs: clock.wallMs(),
      meta: encodeMarks(batch.marks),
      records: batch.records,
    });
  }

  #refuse(batches: readonly Batch[], reason: ProglogError): void {
    if (reason.code === "disk_full") this.#appendBlocked = reason;
    else this.#fail(reason);
    for (const batch of batches) this.#reject(batch, reason);
    // Those behind may continue a producer of these: none may overtake.
    this.#dropQueue(reason);
  }

  #dropQueue(reason: ProglogError): void {
    const dropped = this.#queue;
    this.#queue = [];
    for (const batch of dropped) {
      this.#reject(batch, reason);
      this.#recycle(batch);
    }
  }

  async #makeDurable(batches: readonly Batch[]): Promise<void> {
    try {
      await this.#sync();
    } catch (error) {
      const reason = asProglogError(error);
      this.#fail(reason);
      for (const batch of batches) this.#reject(batch, reason);
      return;
    }
    this.#publish(batches);
  }

  #publish(batches: readonly Batch[]): void {
    let bytes = 0;
    for (const batch of batches) {
      this.#options.producers.apply(batch);
      bytes += batch.size;
      batch.accept();
      this.#nextOffset = offset(batch.baseOffset + batch.recordCount);
    }
    this.#appended.wake();
    this.#options.onCommit?.(bytes);
  }

  async #sync(): Promise<void> {
    const { fsync, log } = this.#options;
    if (fsync.kind === "always") await log.sync();
    if (fsync.kind === "interval") this.#syncLater(fsync.intervalMs);
  }

  #syncLater(intervalMs: number): void {
    this.#cancelTimedSync ??= this.#options.scheduler.after(intervalMs, () => {
      this.#cancelTimedSync = undefined;
      this.#options.log.sync().catch((error) =>
        this.#fail(asProglogError(error))
      );
    });
  }

  #reject(batch: Batch, reason: ProglogError): void {
    for (const mark of batch.marks) this.#producers.forget(mark.producerId);
    batch.reject(reason);
  }

  #recycle(batch: Batch): void {
    this.#pendingBytes -= batch.size;
    assert(
      this.#pendingBytes >= 0,
      "More bytes left the queue than entered it",
    );
    batch.clear();
    if (this.#spare.length < 4) this.#spare.push(batch);
  }

  #fail(cause: ProglogError): void {
    if (this.#failure !== undefined) return;
    this.#failure = new ProglogError(
      "unavailable",
      `Cannot append as the log has failed: ${cause.message}`,
      { cause },
    );
    this.#dropQueue(this.#failure);
    this.#options.onFailure(cause);
  }
}

function asProglogError(error: unknown): ProglogError {
  if (isProglogError(error)) return error;
  throw error;
}
