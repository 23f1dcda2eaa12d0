/**
 * The real clocks and timers.
 */

import type { Clock, Scheduler } from "../../core/env.ts";

export function createClock(): Clock {
  return {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
  };
}

/** Timers that keep the process alive until they ran or were cancelled. */
export function createScheduler(): Scheduler {
  return {
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
