/** Timers that a test fires itself: no test waits for real time. */
import type { Scheduler } from "../../core/env.ts";

export class ManualScheduler implements Scheduler {
  #pending: (() => void | Promise<void>)[] = [];

  after(_delayMs: number, callback: () => void): () => void {
    this.#pending.push(callback);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== callback);
    };
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  /** Runs every timer that waits now, and what it awaits. */
  async fire(): Promise<void> {
    const due = this.#pending;
    this.#pending = [];
    for (const callback of due) await callback();
  }
}
