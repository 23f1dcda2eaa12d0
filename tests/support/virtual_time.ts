/**
 * Clock and timers that a test moves: nothing waits for real time. After each
 * timer all promises that can go on have gone on.
 */
import { setImmediate } from "node:timers";
import type { Clock, Scheduler } from "../../core/env.ts";

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Wall time is this much ahead of the monotonic time. */
const WALL_START_MS = 1_700_000_000_000;

export class VirtualTime implements Clock, Scheduler {
  #nowMs = 0;
  #timers: Timer[] = [];

  wallMs(): number {
    return WALL_START_MS + Math.floor(this.#nowMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), callback };
    const place = this.#timers.findIndex((other) => other.atMs > timer.atMs);
    if (place === -1) this.#timers.push(timer);
    else this.#timers.splice(place, 0, timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets everything happen that is due within `forMs`. */
  async run(forMs: number): Promise<void> {
    const endMs = this.#nowMs + forMs;
    await settle();
    while ((this.#timers[0]?.atMs ?? Infinity) <= endMs) await this.#step();
    this.#nowMs = endMs;
  }

  /** Moves on until `isDone`, for at most `maxMs`; throws if it never is. */
  async until(isDone: () => boolean, maxMs = 10_000): Promise<void> {
    const endMs = this.#nowMs + maxMs;
    await settle();
    while (!isDone()) {
      if ((this.#timers[0]?.atMs ?? Infinity) > endMs) {
        throw new Error(`Not so within ${maxMs} ms: ${isDone}`);
      }
      await this.#step();
    }
  }

  /** Moves on until `promise` is settled, and returns what it is. */
  async settled<T>(promise: Promise<T>, maxMs = 10_000): Promise<T> {
    let isSettled = false;
    const note = () => {
      isSettled = true;
    };
    promise.then(note, note);
    await this.until(() => isSettled, maxMs);
    return promise;
  }

  async #step(): Promise<void> {
    const next = this.#timers.shift();
    if (next === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.callback();
    await settle();
  }
}

/** All microtasks run before a macrotask does. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
