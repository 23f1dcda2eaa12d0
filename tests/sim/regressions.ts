/**
 * Seeds that once found a bug. What a seed draws changes with the simulator, so
 * each bug has a scenario or unit test too; the seeds stay as more of the same.
 */
export const REGRESSIONS: readonly { seed: number; was: string }[] = [
  {
    seed: 1,
    was: "a leader that removed itself and lost contact could not be elected",
  },
  {
    seed: 93,
    was: "a full window of lost appends stood still after the log was trimmed",
  },
];
