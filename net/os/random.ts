/**
 * Chance from the operating system, drawn a block at a time.
 */

import type { Random } from "../../core/env.ts";

const BLOCK_NUMBERS = 256;

export function createRandom(): Random {
  const block = new Uint32Array(BLOCK_NUMBERS);
  let used = BLOCK_NUMBERS;
  return {
    nextU32() {
      if (used === BLOCK_NUMBERS) {
        crypto.getRandomValues(block);
        used = 0;
      }
      return block[used++] ?? 0;
    },
  };
}
