/**
 * Time that never makes anybody wait: a timer fires in the next turn of the
 * event loop, and the clock then says that its delay has passed.
 */
import type { Clock, Scheduler } from "../../core/env.ts";

export class InstantTime implements Clock, Scheduler {
  #nowMs = 1_000;
  /** Delays that were waited for, in order. */
  readonly waitedMs: number[] = [];

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const handle = setImmediate(() => {
      this.#nowMs += delayMs;
      this.waitedMs.push(delayMs);
      callback();
    });
    return () => clearImmediate(handle);
  }
}
