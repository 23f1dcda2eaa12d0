/** Seeds that once broke a promise of whole nodes, and what it was. */
export const NODE_REGRESSIONS: readonly {
  readonly seed: number;
  readonly was: string;
}[] = [
  { seed: 122, was: "a founder that crashed early never had a cluster id" },
  { seed: 165, was: "a founder that crashed early never had a cluster id" },
  { seed: 27, was: "a client asked a dead connection and dialled no new one" },
  { seed: 116, was: "a producer stayed on a server that was silent" },
  { seed: 177, was: "a fresh read tried one follower after another" },
  { seed: 7089, was: "claims to a name were passed on in a circle" },
  { seed: 5341, was: "moved nodes kept each other's old addresses alive" },
  { seed: 5167, was: "the others did not take over a moved leader's address" },
  { seed: 7014, was: "the checker took a voter of later for one of before" },
];
