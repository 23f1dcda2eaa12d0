/**
 * Chance from a seed: the same seed gives the same numbers on every machine.
 * The generator is sfc32, seeded through splitmix32 so that near seeds differ.
 */
import type { Random } from "../../core/env.ts";

export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    let state = seed >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    for (let round = 0; round < 12; round++) this.nextU32();
  }

  nextU32(): number {
    const result = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) >>> 0;
    this.#c = (this.#c + result) >>> 0;
    return result;
  }

  /** A whole number from 0 to `below - 1`. */
  below(below: number): number {
    return this.nextU32() % below;
  }

  /** A whole number from `range.from` to `range.to`. */
  between(range: { from: number; to: number }): number {
    return range.from + this.below(range.to - range.from + 1);
  }

  /** True with this probability, from 0 to 1. */
  chance(probability: number): boolean {
    return this.nextU32() / 2 ** 32 < probability;
  }

  /** One of `choices`, which must not be empty. */
  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (chosen === undefined) throw new RangeError("Nothing to pick from");
    return chosen;
  }

  /** A generator of its own, so that one part's draws do not move another's. */
  fork(): SeededRandom {
    return new SeededRandom(this.nextU32());
  }
}
