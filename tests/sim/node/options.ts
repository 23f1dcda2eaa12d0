/**
 * What a seed decides about a run of whole nodes. Times are virtual
 * milliseconds and as long as gossip's are: a failure is known after seconds.
 */
import { SeededRandom } from "../random.ts";

export interface NodeSimOptions {
  readonly seed: number;
  readonly machineCount: number;
  /** Machines that are switched on during the storm for the first time. */
  readonly spareCount: number;
  readonly founding: "first" | "expect";
  readonly safetyMs: number;
  /** In calm weather all must have come together after this time; */
  readonly healMaxMs: number;
  /** after this one where somebody left for good, and all that knew crashed. */
  readonly reapedMaxMs: number;
  /** Chance of each packet and message to be lost, sent twice, held back. */
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly delayMaxMs: number;
  readonly syncMaxMs: number;
  /** Mean time between two events of a kind; Infinity for none of it. */
  readonly crashEveryMs: number;
  readonly pauseEveryMs: number;
  readonly partitionEveryMs: number;
  readonly leaveEveryMs: number;
  readonly wipeEveryMs: number;
  readonly blackoutEveryMs: number;
  readonly slowDiskEveryMs: number;
  readonly fullDiskEveryMs: number;
  readonly trimEveryMs: number;
  readonly transferEveryMs: number;
  /** Whether gossip is encrypted. */
  readonly gossip: "plain" | "encrypted";
  /** Chance that a machine comes back at another address. */
  readonly moving: number;
  /** Chance to crash right after a founding, an election, a change of members. */
  readonly awkwardCrash: number;
  readonly readEveryMs: number;
  readonly proposeEveryMs: number;
  /** How much clocks may be fast or slow, as a fraction. */
  readonly clockSkew: number;
}

export function drawOptions(seed: number): NodeSimOptions {
  const random = new SeededRandom(seed ^ 0x0de5);
  const more = new SeededRandom(seed ^ 0x303e);
  const machineCount = random.pick([1, 2, 3, 3, 3, 4, 5]);
  return {
    seed,
    machineCount,
    spareCount: random.pick([0, 0, 1, 2]),
    founding: random.pick(["first", "expect"]),
    safetyMs: 60_000,
    healMaxMs: 100_000,
    reapedMaxMs: 220_000,
    loss: random.pick([0, 0, 0.01, 0.05]),
    duplication: random.pick([0, 0.01]),
    reordering: random.pick([0, 0.02]),
    delayMaxMs: random.pick([1, 5, 40]),
    syncMaxMs: random.pick([1, 5, 20]),
    crashEveryMs: random.pick([Infinity, 20_000, 8_000]),
    pauseEveryMs: random.pick([Infinity, 20_000]),
    partitionEveryMs: random.pick([Infinity, 20_000, 12_000]),
    leaveEveryMs: random.pick([Infinity, 20_000, 10_000]),
    wipeEveryMs: random.pick([Infinity, 20_000, 10_000]),
    blackoutEveryMs: random.pick([Infinity, 30_000]),
    slowDiskEveryMs: more.pick([Infinity, 15_000]),
    fullDiskEveryMs: more.pick([Infinity, 15_000]),
    trimEveryMs: more.pick([Infinity, 5_000]),
    transferEveryMs: more.pick([Infinity, 10_000]),
    gossip: more.pick(["plain", "plain", "encrypted"]),
    moving: random.pick([0, 0.3, 1]),
    awkwardCrash: random.pick([0, 0.02, 0.1]),
    readEveryMs: 700,
    proposeEveryMs: 400,
    clockSkew: random.pick([0, 0.01]),
  };
}
