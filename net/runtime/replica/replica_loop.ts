/**
 * Hosts Raft for one log: takes inputs in turns, and has every Ready worked off.
 *
 * 1. One turn at a time; all inputs of a turn reach Raft before its Readies.
 * 2. A turn ends only when Raft has no Ready; only truncation, reset and a
 *    missing place on the disk make it wait, and Raft with it.
 * 3. Syncs run beside the turns and come back as the reason for another.
 * Callers: replica.ts.
 */
import { assert } from "../../../core/assert.ts";
import { isProglogError } from "../../../core/errors.ts";
import type { Term } from "../../../core/ids.ts";
import type { NodeId } from "../../../core/raft/configuration.ts";
import type { Message } from "../../../core/raft/messages.ts";
import type { RoleName } from "../../../core/raft/ready.ts";
import { stopping } from "./errors.ts";
import { MessageQueue } from "./message_queue.ts";
import type { Outbox } from "./outbox.ts";
import type { ProposalQueue } from "./proposal_queue.ts";
import type { ReadBarriers } from "./read_barriers.ts";
import type { ReadyWorker, ReplicaRaft } from "./ready_worker.ts";
import type { SyncGroup } from "./sync_group.ts";
import type { ReplicaEnvironment } from "./types.ts";

const TICK_MIN_MS = 1;

interface Call {
  readonly run: (raft: ReplicaRaft) => void;
  readonly reject: (reason: Error) => void;
}

export interface LoopParts {
  readonly environment: ReplicaEnvironment;
  readonly raft: ReplicaRaft;
  readonly worker: ReadyWorker;
  readonly queue: ProposalQueue;
  readonly barriers: ReadBarriers;
  readonly sync: SyncGroup;
  readonly outbox: Outbox;
  /** Something changed that others wait for. */
  readonly onTurn: () => void;
  readonly onFailure: (cause: Error) => void;
}

export class ReplicaLoop {
  readonly #parts: LoopParts;
  readonly #messages = new MessageQueue();
  #raft: ReplicaRaft;
  #calls: Call[] = [];
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;
  #isPaused = false;
  /** Raft knows that the writes of this Ready are durable. */
  #toldNumber = 0;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;

  constructor(parts: LoopParts) {
    this.#parts = parts;
    this.#raft = parts.raft;
  }

  /** As of the last turn. */
  get role(): RoleName {
    return this.#parts.worker.role;
  }

  get leaderId(): NodeId | undefined {
    return this.#parts.worker.leaderId;
  }

  get raft(): ReplicaRaft {
    return this.#raft;
  }

  receive(message: Message): void {
    if (this.#isStopped) return;
    this.#messages.add(message);
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

  /**
   * From now to `replaceRaft` Raft hears of nothing: what it would promise, the
   * Raft that replaces it would not know.
   */
  pauseRaft(): void {
    this.#isPaused = true;
  }

  /** Begins again with another state; only in a turn, before its Readies. */
  replaceRaft(raft: ReplicaRaft, term: Term): void {
    this.#isPaused = false;
    this.#raft = raft;
    this.#parts.worker.startIn(term);
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
    this.#parts.worker.stop();
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
      if (this.#isStopped) return;
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

  get #hasInputs(): boolean {
    const { sync } = this.#parts;
    return !this.#messages.isEmpty || this.#calls.length > 0 ||
      sync.durableNumber > this.#toldNumber;
  }

  #takeInputs(): void {
    const { barriers, environment } = this.#parts;
    const nowMs = environment.clock.monotonicMs();
    const messages = this.#messages.takeAll();
    if (!this.#isPaused) {
      for (const message of messages) this.#raft.step(message, nowMs);
    }
    this.#takeSynced(nowMs);
    for (let left = this.#calls.length; left > 0; left--) {
      this.#calls.shift()?.run(this.#raft);
    }
    if (this.#isPaused) return;
    if (nowMs >= this.#raft.nextDeadlineMs) this.#raft.tick(nowMs);
    barriers.ask(this.#raft);
  }

  #takeSynced(nowMs: number): void {
    const { sync, outbox, worker } = this.#parts;
    const number = sync.durableNumber;
    if (number <= this.#toldNumber) return;
    this.#toldNumber = number;
    this.#raft.persisted(number, nowMs);
    outbox.release(number, worker.term);
  }

  async #workOffAll(): Promise<void> {
    while (!this.#isStopped) {
      const ready = this.#raft.ready();
      if (ready === undefined) return;
      const waiting = this.#parts.worker.workOff(this.#raft, ready);
      if (waiting !== undefined) await waiting;
    }
  }

  /** All that waited while the disk was busy; more only in full entries. */
  #propose(): void {
    const { queue, sync, worker } = this.#parts;
    while (!queue.isEmpty) {
      if (sync.isRunning && !queue.isFull) return;
      const proposal = queue.next;
      assert(proposal !== undefined, "The queue has no next entry");
      const result = this.#raft.propose(proposal);
      if (result.ok) queue.proposed(result);
      else if (result.reason === "not_leader") return worker.refuseQueue();
      else return;
    }
  }

  #setTimer(): void {
    const { clock, scheduler } = this.#parts.environment;
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
