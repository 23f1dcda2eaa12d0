/**
 * Majorities as arithmetic: what a set of voters agrees on. Knows nothing of
 * messages or roles. Called by the candidate (votes) and the leader (commit,
 * read rounds, check-quorum).
 */

/** Smallest number of voters that is more than half of `voterCount`. */
export function majority(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

export type VoteResult = "won" | "lost" | "pending";

/** Outcome of an election; votes of nodes that are no voters do not count. */
export function countVotes(
  voters: readonly string[],
  votes: ReadonlyMap<string, "granted" | "refused">,
): VoteResult {
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const vote = votes.get(voter);
    if (vote === "granted") granted++;
    if (vote === "refused") refused++;
  }
  const needed = majority(voters.length);
  if (granted >= needed) return "won";
  return voters.length - refused < needed ? "lost" : "pending";
}

/**
 * The largest value that a majority of the voters has reached: the commit index
 * of match indexes, the confirmed one of read rounds, the contact time of
 * contact times. 0 when there are no voters: nobody can agree.
 */
export function reachedByMajority(
  voters: readonly string[],
  valueOf: (voter: string) => number,
): number {
  if (voters.length === 0) return 0;
  const values = voters.map(valueOf).sort((left, right) => right - left);
  return values[majority(voters.length) - 1] ?? 0;
}
