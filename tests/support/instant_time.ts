/**
 * Time that never makes anybody wait: in each turn of the event loop the timer
 * that is due next fires, and the clock jumps to its moment.
 */
import type { Clock, Scheduler } from "../../core/env.ts";

interface Timer {
  readonly atMs: number;
  readonly delayMs: number;
  readonly callback: () => void;
}

export class InstantTime implements Clock, Scheduler {
  #nowMs = 1_000;
  #timers: Timer[] = [];
  #isScheduled = false;
  /** Delays that were waited for, in order. */
  readonly waitedMs: number[] = [];

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, delayMs, callback };
    this.#timers.push(timer);
    this.#schedule();
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  #schedule(): void {
    if (this.#isScheduled || this.#timers.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#fireNext();
      this.#schedule();
    });
  }

  #fireNext(): void {
    const [next] = this.#timers.toSorted((a, b) => a.atMs - b.atMs);
    if (next === undefined) return;
    this.#timers = this.#timers.filter((other) => other !== next);
    this.#nowMs = next.atMs;
    this.waitedMs.push(next.delayMs);
    next.callback();
  }
}
