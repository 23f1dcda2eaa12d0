/** Seeds that once broke a promise of whole nodes, and what it was. */
export const NODE_REGRESSIONS: readonly {
  readonly seed: number;
  readonly was: string;
}[] = [];
