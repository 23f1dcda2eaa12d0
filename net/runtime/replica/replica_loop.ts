/**
 * Hosts Raft for one log: takes inputs in turns, works off every Ready in the
 * order that core/raft/ready.ts asks for, and tells who waits.
 *
 * 1. One turn at a time; all inputs of a turn reach Raft before its Readies.
 * 2. A turn ends only when Raft has no Ready; only truncation, reset and a
 *    missing place on the disk make it wait, and Raft with it.
 * 3. Syncs run beside the turns and come back as the reason for another.
 * Callers: replica.ts.
 */
import { assert } from "../../../core/assert.ts";
import { isProglogError, type ProglogError } from "../../../core/errors.ts";
import type { LogIndex, Term } from "../../../core/ids.ts";
import type { NodeId } from "../../../core/raft/configuration.ts";
import type { Message } from "../../../core/raft/messages.ts";
import type { Raft } from "../../../core/raft/raft.ts";
import type {
  Persist,
  RaftEvent,
  Ready,
  RoleName,
} from "../../../core/raft/ready.ts";
import type { Applier } from "./applier.ts";
import type { EntryWaiters } from "./entry_waiters.ts";
import { notLeader, stopping } from "./errors.ts";
import type { BatchProposal, LogWriter } from "./log_writer.ts";
import type { Outbox } from "./outbox.ts";
import type { ProposalQueue } from "./proposal_queue.ts";
import type { ReadBarriers } from "./read_barriers.ts";
import type { ReplicaResetter } from "./resetter.ts";
import type { SyncGroup } from "./sync_group.ts";
import type { ReplicaOptions } from "./types.ts";
import type { WriteBlock } from "./write_block.ts";

type ReplicaRaft = Raft<BatchProposal>;

/** Messages that wait for a turn; more are dropped, as the network may. */
const MESSAGES_WAITING_MAX = 4_096;
const TICK_MIN_MS = 1;

interface Call {
  readonly run: (raft: ReplicaRaft) => void;
  readonly reject: (reason: Error) => void;
}

export interface LoopParts {
  readonly options: ReplicaOptions;
  readonly raft: ReplicaRaft;
  readonly term: Term;
  readonly applier: Applier;
  readonly waiters: EntryWaiters;
  readonly queue: ProposalQueue;
  readonly barriers: ReadBarriers;
  readonly writer: LogWriter;
  readonly resetter: ReplicaResetter;
  readonly sync: SyncGroup;
  readonly outbox: Outbox;
  readonly block: WriteBlock;
  readonly lastIndex: () => LogIndex;
  /** Something changed that others wait for. */
  readonly onTurn: () => void;
  readonly onReadable: () => void;
  readonly onFailure: (cause: Error) => void;
}

export class ReplicaLoop {
  readonly #parts: LoopParts;
  #raft: ReplicaRaft;
  #messages: Message[] = [];
  #calls: Call[] = [];
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;
  #role: RoleName = "follower";
  #leaderId: NodeId | undefined;
  #term: Term;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #cancelUndecided: (() => void) | undefined;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#raft = parts.raft;
    this.#term = parts.term;
  }

  /** As of the last turn. */
  get role(): RoleName {
    return this.#role;
  }

  get leaderId(): NodeId | undefined {
    return this.#leaderId;
  }

  get raft(): ReplicaRaft {
    return this.#raft;
  }

  receive(message: Message): void {
    if (this.#messages.length >= MESSAGES_WAITING_MAX) return;
    this.#messages.push(message);
    this.wake();
  }

  /** Runs `call` in the next turn; the answer is what it returns. */
  call<T>(call: (raft: ReplicaRaft) => T | Promise<T>): Promise<T> {
    if (this.#isStopped) return Promise.reject(stopping());
    return new Promise((resolve, reject) => {
      const run = (raft: ReplicaRaft): void => {
        try {
          resolve(call(raft));
        } catch (error) {
          reject(error);
          // The disk's refusals are the caller's; a bug is the end of us.
          if (!isProglogError(error)) throw error;
        }
      };
      this.#calls.push({ run, reject });
      this.wake();
    });
  }

  /** Begins again with another state; only in a turn, before its Readies. */
  replaceRaft(raft: ReplicaRaft, term: Term): void {
    this.#raft = raft;
    this.#term = term;
  }

  wake(): void {
    if (this.#isStopped || this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#run().catch((error) => {
      this.stop();
      this.#parts.onFailure(error);
    });
  }

  /** Takes no more inputs. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#cancelUndecided?.();
    for (const call of this.#calls) call.reject(stopping());
    this.#calls = [];
  }

  /** Resolves when no turn runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Let all that arrives in this turn be its input.
    await Promise.resolve();
    while (!this.#isStopped) {
      this.#takeInputs();
      await this.#workOffAll();
      // Who was answered just now may have more for the next entry.
      await Promise.resolve();
      this.#propose();
      await this.#workOffAll();
      if (this.#isStopped) return;
      this.#parts.sync.start();
      this.#parts.onTurn();
      if (!this.#hasInputs) break;
    }
    // At once: an input that comes right after this one must find it so.
    this.#isRunning = false;
    this.#setTimer();
  }

  async #workOffAll(): Promise<void> {
    while (!this.#isStopped) {
      const ready = this.#raft.ready();
      if (ready === undefined) return;
      const waiting = this.#workOff(ready);
      if (waiting !== undefined) await waiting;
    }
  }

  get #hasInputs(): boolean {
    const { sync } = this.#parts;
    return this.#messages.length > 0 || this.#calls.length > 0 ||
      sync.durableNumber > this.#toldNumber;
  }

  #toldNumber = 0;

  #takeInputs(): void {
    const { barriers, options } = this.#parts;
    const nowMs = options.clock.monotonicMs();
    const raft = this.#raft;
    const messages = this.#messages;
    this.#messages = [];
    for (const message of messages) raft.step(message, nowMs);
    this.#takeSynced(nowMs);
    for (let left = this.#calls.length; left > 0; left--) {
      this.#calls.shift()?.run(this.#raft);
    }
    if (nowMs >= this.#raft.nextDeadlineMs) this.#raft.tick(nowMs);
    barriers.ask(this.#raft);
  }

  #takeSynced(nowMs: number): void {
    const { sync, outbox } = this.#parts;
    const number = sync.durableNumber;
    if (number <= this.#toldNumber) return;
    this.#toldNumber = number;
    this.#raft.persisted(number, nowMs);
    outbox.release(number, this.#term);
  }

  /** All that waited while the disk was busy; more only in full entries. */
  #propose(): void {
    const { queue, sync } = this.#parts;
    while (!queue.isEmpty) {
      if (sync.isRunning && !queue.isFull) return;
      const proposal = queue.next;
      assert(proposal !== undefined, "The queue has no next entry");
      const result = this.#raft.propose(proposal);
      if (result.ok) queue.proposed(result);
      else if (result.reason === "not_leader") return this.#refuseQueue();
      else return;
    }
  }

  #refuseQueue(): void {
    const { queue, block } = this.#parts;
    queue.refuseAll(block.reason ?? notLeader(this.#leaderId));
  }

  #workOff(ready: Ready<BatchProposal>): Promise<void> | undefined {
    const { persist } = ready;
    if (persist?.reset === undefined && persist?.truncateFrom === undefined) {
      return this.#finish(ready);
    }
    return this.#change(persist).then(() => this.#finish(ready));
  }

  /** The changes that take time; Raft waits. */
  async #change(persist: Persist<BatchProposal>): Promise<void> {
    const { writer, resetter, waiters } = this.#parts;
    const { reset, truncateFrom } = persist;
    if (reset !== undefined) {
      await resetter.reset(reset);
      waiters.giveUpTo(reset.start.index, "the log was reset");
      this.#parts.onReadable();
    }
    if (truncateFrom !== undefined) await writer.truncateFrom(truncateFrom);
  }

  /** Steps 1 to 4 of core/raft/ready.ts. */
  #finish(ready: Ready<BatchProposal>): undefined {
    const { outbox, sync } = this.#parts;
    const isWritten = this.#write(ready);
    if (isWritten) {
      outbox.sendAll(ready.sendNow);
      if (sync.durableNumber >= sync.writtenNumber) {
        outbox.sendAll(ready.sendAfterPersist);
      } else outbox.hold(sync.writtenNumber, ready.sendAfterPersist);
    }
    for (const event of ready.events) this.#handle(event);
    // What could not be written is not applied either; it is told again.
    if (isWritten) this.#apply(ready.committedIndex);
    for (const state of ready.readStates) {
      this.#parts.barriers.answered(state);
    }
  }

  /** False when the disk is full. */
  #write({ number, persist }: Ready<BatchProposal>): boolean {
    if (persist === undefined) return true;
    const { sync, writer, block, queue } = this.#parts;
    const { hardState, entries } = persist;
    if (hardState !== undefined) this.#term = hardState.term;
    try {
      writer.append(entries);
      if (entries.length > 0) this.#unblock();
      return true;
    } catch (error) {
      if (!isProglogError(error, "disk_full")) throw error;
      block.begin(error);
      this.#raft.writeFailed(this.#parts.options.clock.monotonicMs());
      return false;
    } finally {
      sync.wrote(number, hardState);
      for (const entry of entries) {
        const isOwn = entry.kind === "data";
        if (isOwn && entry.index <= this.#parts.lastIndex()) {
          queue.written(entry.proposal.batch);
        }
      }
      if (block.reason !== undefined) this.#refuseUnwritten(block.reason);
    }
  }

  #refuseUnwritten(reason: ProglogError): void {
    const { waiters, queue, lastIndex } = this.#parts;
    const end = { index: lastIndex(), term: this.#term };
    waiters.refuseAbove(end, reason);
    queue.refuseAll(reason);
  }

  #unblock(): void {
    const { block } = this.#parts;
    if (block.reason === undefined) return;
    block.end();
    this.#raft.writeRecovered();
  }

  #handle(event: RaftEvent): void {
    if (event.kind === "leader_changed") this.#leaderId = event.leaderId;
    if (event.kind === "role_changed") {
      const wasLeader = this.#role === "leader";
      this.#role = event.role;
      if (wasLeader && event.role !== "leader") this.#leadershipLost();
    }
    this.#parts.options.watcher.event(event);
  }

  /** What is in the log may yet be committed: waits a while to learn it. */
  #leadershipLost(): void {
    const { options, waiters } = this.#parts;
    this.#refuseQueue();
    this.#cancelUndecided?.();
    const waitMs = 2 * (options.raft?.electionTimeoutMs ?? 500);
    this.#cancelUndecided = options.scheduler.after(waitMs, () => {
      if (this.#role !== "leader") waiters.giveUp("its leader was replaced");
    });
  }

  #apply(committedIndex: LogIndex): void {
    const { applier, waiters, options, onReadable } = this.#parts;
    if (committedIndex > applier.applied.index) {
      const isDoubled = options.replicaFaults?.has("apply_twice") ?? false;
      const times = isDoubled ? 2 : 1;
      const hasRecords = applier.commitTo(committedIndex, {
        waiters,
        times,
      });
      if (hasRecords) onReadable();
    }
    this.#raft.applied(committedIndex);
  }

  #setTimer(): void {
    const { clock, scheduler } = this.#parts.options;
    const atMs = this.#raft.nextDeadlineMs;
    if (this.#isStopped || (this.#timer?.atMs ?? Infinity) <= atMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (atMs === Infinity) return;
    const delayMs = Math.max(TICK_MIN_MS, atMs - clock.monotonicMs());
    const cancel = scheduler.after(delayMs, () => {
      this.#timer = undefined;
      this.wake();
    });
    this.#timer = { atMs, cancel };
  }
}
