/**
 * Chance that a seed replays: mulberry32, good enough to choose test cases.
 */

import type { Random } from "../../core/env.ts";

export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    nextU32() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (mixed ^ (mixed >>> 14)) >>> 0;
    },
  };
}
