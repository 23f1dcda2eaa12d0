/**
 * Seeds that once broke a promise of the replica, and what it was. A change of
 * the simulator gives a seed another history: each fault also has a test of its
 * own in tests/net/runtime/replica, except the foundings of the last two.
 */
export const REPLICA_REGRESSIONS: readonly {
  readonly seed: number;
  readonly was: string;
}[] = [
  { seed: 93, was: "a founding on a full disk ended the node" },
  { seed: 1474, was: "a reset on a full disk ended the node" },
  { seed: 3325, was: "a replaced leader refused a sequence that was right" },
  { seed: 10893, was: "a full disk made a lone voter's reads stale" },
  {
    seed: 60558,
    was: "a founder waited to lead alone where it had others by then",
  },
  { seed: 100798, was: "a vote given while founding was forgotten" },
];
