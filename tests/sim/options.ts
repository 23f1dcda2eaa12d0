/**
 * What a seed decides about its run: every run has another mix of faults, so
 * that rare combinations get their turn. All times are virtual milliseconds.
 */
import { SeededRandom } from "./random.ts";

export interface SimOptions {
  readonly seed: number;
  readonly voterCount: number;
  /** Nodes that are there and not yet members. */
  readonly spareCount: number;
  readonly safetyMs: number;
  readonly livenessMs: number;
  /** Chance of each message to be lost, sent twice, or held back long. */
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly delayMaxMs: number;
  readonly syncMaxMs: number;
  /** Entries in one append; few make more interleavings. */
  readonly appendEntriesMax: number;
  /** Chance that a node takes several inputs before it works them off. */
  readonly batching: number;
  /** Mean time between two faults of a kind; Infinity for none of it. */
  readonly crashEveryMs: number;
  /** Chance to crash right after a vote, a won election or a commit. */
  readonly awkwardCrash: number;
  /** Chance to strike at a moment of the paper's figure 8. */
  readonly figure8: number;
  readonly pauseEveryMs: number;
  readonly partitionEveryMs: number;
  readonly slowDiskEveryMs: number;
  readonly fullDiskEveryMs: number;
  readonly changeEveryMs: number;
  readonly transferEveryMs: number;
  readonly compactEveryMs: number;
  readonly readEveryMs: number;
  readonly proposeEveryMs: number;
  /** How much clocks may be fast or slow, as a fraction. */
  readonly clockSkew: number;
  /** When one node loses its disk; Infinity for never. */
  readonly wipeAtMs: number;
  /** Mean time between two flips of bits on the disk of one node. */
  readonly decayEveryMs: number;
}

export function drawOptions(seed: number): SimOptions {
  const random = new SeededRandom(seed);
  const voterCount = random.pick([1, 2, 3, 3, 3, 4, 5, 5]);
  // A majority must be left: no wipe in small clusters, and no other change.
  const isWiped = voterCount >= 3 && random.chance(0.2);
  const drawn = {
    seed,
    voterCount,
    wipeAtMs: isWiped ? random.between({ from: 500, to: 3_500 }) : Infinity,
    spareCount: random.pick([0, 1, 2]),
    figure8: 0,
    safetyMs: 4_000,
    livenessMs: 6_000,
    loss: random.pick([0, 0, 0.01, 0.05, 0.2]),
    duplication: random.pick([0, 0.01, 0.1]),
    reordering: random.pick([0, 0.02, 0.2]),
    delayMaxMs: random.pick([1, 5, 20, 60]),
    syncMaxMs: random.pick([1, 5, 20, 80]),
    appendEntriesMax: random.pick([1, 3, 100]),
    batching: random.pick([0, 0.2, 0.7]),
    crashEveryMs: random.pick([Infinity, 1_500, 600, 250]),
    awkwardCrash: random.pick([0, 0, 0.02, 0.1, 0.25]),
    pauseEveryMs: random.pick([Infinity, Infinity, 1_000, 400]),
    partitionEveryMs: random.pick([Infinity, 1_500, 700, 350]),
    slowDiskEveryMs: random.pick([Infinity, Infinity, 1_000]),
    fullDiskEveryMs: random.pick([Infinity, Infinity, 1_000, 400]),
    changeEveryMs: isWiped ? Infinity : random.pick([Infinity, 500, 150]),
    transferEveryMs: random.pick([Infinity, 1_000, 300]),
    compactEveryMs: random.pick([Infinity, 400, 150]),
    readEveryMs: random.pick([50, 15]),
    proposeEveryMs: random.pick([10, 30, 100]),
    clockSkew: random.pick([0, 0.01, 0.1]),
  };
  const canDecay = voterCount >= 3 && !isWiped &&
    drawn.changeEveryMs === Infinity;
  const decayEveryMs = canDecay
    ? random.pick([Infinity, 500, 1_000])
    : Infinity;
  return { ...drawn, decayEveryMs };
}

/**
 * Figure 8 of the paper, as often as chance allows: entries one by one, leaders
 * that die before anybody hears of them, and right after they count.
 */
export const FIGURE_8: Partial<SimOptions> = {
  voterCount: 5,
  spareCount: 0,
  wipeAtMs: Infinity,
  safetyMs: 8_000,
  loss: 0.2,
  reordering: 0,
  delayMaxMs: 20,
  syncMaxMs: 5,
  appendEntriesMax: 1,
  batching: 0,
  crashEveryMs: 600,
  awkwardCrash: 0,
  figure8: 0.5,
  pauseEveryMs: Infinity,
  partitionEveryMs: 700,
  slowDiskEveryMs: Infinity,
  fullDiskEveryMs: Infinity,
  changeEveryMs: Infinity,
  transferEveryMs: Infinity,
  compactEveryMs: Infinity,
};
