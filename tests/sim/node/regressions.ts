/** Seeds that once broke a promise of whole nodes, and what it was. */
export const NODE_REGRESSIONS: readonly {
  readonly seed: number;
  readonly was: string;
}[] = [
  { seed: 122, was: "a founder that crashed early never had a cluster id" },
  { seed: 165, was: "a founder that crashed early never had a cluster id" },
];
