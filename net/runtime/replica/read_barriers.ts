/**
 * Reads that wait until this node has applied all that was acknowledged before
 * they came. All that come in one turn share one question to Raft; a question
 * without an answer is asked again under a new number.
 */
import type { Clock, Random, Scheduler } from "../../../core/env.ts";
import { ProglogError } from "../../../core/errors.ts";
import type { Raft } from "../../../core/raft/raft.ts";
import type { ReadMode } from "../../../core/raft/read_index.ts";
import type { ReadState } from "../../../core/raft/ready.ts";

/** A reader gives up after this long without a leader that answers. */
export const READ_BARRIER_TIMEOUT_MS = 5_000;

const CONTEXT_BITS_LOW = 2 ** 21;

interface Barrier {
  readonly mode: ReadMode;
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (reason: ProglogError) => void;
  isOver: boolean;
}

interface Question {
  readonly barriers: readonly Barrier[];
  readonly askedMs: number;
}

export interface ReadBarriersOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** How long to wait for an answer before asking again. */
  readonly retryMs: number;
  /** Asks for a turn, in which `ask` is called. */
  readonly wake: () => void;
}

export class ReadBarriers {
  readonly #options: ReadBarriersOptions;
  #waiting: Barrier[] = [];
  #questions = new Map<number, Question>();
  /** Random above, so that numbers do not repeat after a restart. */
  #context: number;
  #cancelTimer: (() => void) | undefined;
  #stopped: ProglogError | undefined;

  constructor(options: ReadBarriersOptions) {
    this.#options = options;
    this.#context = options.random.nextU32() * CONTEXT_BITS_LOW;
  }

  /**
   * Resolves when reads here are fresh; rejects with `unavailable` when that
   * takes too long, with `cancelled` when `signal` aborts.
   */
  wait(mode: ReadMode, signal?: AbortSignal): Promise<void> {
    const { clock, wake } = this.#options;
    const deadlineMs = clock.monotonicMs() + READ_BARRIER_TIMEOUT_MS;
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    return new Promise((resolve, reject) => {
      const abort = () => {
        barrier.isOver = true;
        reject(new ProglogError("cancelled", "The reader gave up"));
      };
      const end = () => {
        barrier.isOver = true;
        signal?.removeEventListener("abort", abort);
      };
      const barrier: Barrier = {
        mode,
        deadlineMs,
        isOver: false,
        resolve: () => {
          end();
          resolve();
        },
        reject: (reason) => {
          end();
          reject(reason);
        },
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.push(barrier);
      wake();
    });
  }

  /** Puts what waits to Raft; called in a turn. */
  ask(raft: Pick<Raft, "readIndex">): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting.filter((barrier) => !barrier.isOver);
    this.#waiting = [];
    for (const mode of ["lease", "quorum"] as const) {
      const barriers = waiting.filter((barrier) => barrier.mode === mode);
      if (barriers.length > 0) this.#askFor(raft, mode, barriers);
    }
    if (waiting.length > 0) this.#watch();
  }

  answered(state: ReadState): void {
    const question = this.#questions.get(state.context);
    if (question === undefined) return;
    this.#questions.delete(state.context);
    if (state.ok) { for (const one of question.barriers) one.resolve(); }
    else this.#waiting.push(...question.barriers);
  }

  /** Refuses all who wait, and those who come. */
  stop(reason: ProglogError): void {
    this.#stopped ??= reason;
    this.#cancelTimer?.();
    const all = [...this.#questions.values()].flatMap((it) => it.barriers);
    for (const barrier of [...all, ...this.#waiting]) {
      if (!barrier.isOver) barrier.reject(reason);
    }
    this.#questions.clear();
    this.#waiting = [];
  }

  #askFor(
    raft: Pick<Raft, "readIndex">,
    mode: ReadMode,
    barriers: readonly Barrier[],
  ): void {
    const context = this.#context++;
    if (!raft.readIndex({ context, mode }).ok) {
      this.#waiting.push(...barriers);
      return;
    }
    const askedMs = this.#options.clock.monotonicMs();
    this.#questions.set(context, { barriers, askedMs });
  }

  /** Looks again in a while, as long as any reader waits. */
  #watch(): void {
    const { scheduler, retryMs } = this.#options;
    this.#cancelTimer ??= scheduler.after(retryMs, () => {
      this.#cancelTimer = undefined;
      this.#retry();
    });
  }

  #retry(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [context, { askedMs, barriers }] of this.#questions) {
      if (nowMs - askedMs < this.#options.retryMs) continue;
      this.#questions.delete(context);
      this.#waiting.push(...barriers);
    }
    for (const barrier of this.#waiting) {
      if (!barrier.isOver && nowMs >= barrier.deadlineMs) {
        barrier.reject(noAnswer());
      }
    }
    this.#waiting = this.#waiting.filter((barrier) => !barrier.isOver);
    if (this.#questions.size > 0) this.#watch();
    if (this.#waiting.length > 0) this.#options.wake();
  }
}

function noAnswer(): ProglogError {
  return new ProglogError(
    "unavailable",
    "Cannot say whether a read here is fresh as no leader answers",
  );
}
