/**
 * Majorities against a second, deliberately slow implementation that tries all
 * subsets of voters.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  countVotes,
  majority,
  reachedByMajority,
} from "../../../core/raft/quorum.ts";

const voterSets = fc.uniqueArray(
  fc.constantFrom(..."abcdefg"),
  { minLength: 1, maxLength: 7 },
);

Deno.test("majority() of two groups always shares a voter", () => {
  for (let count = 1; count <= 9; count++) {
    assert.ok(2 * majority(count) > count);
    assert.ok(2 * (majority(count) - 1) <= count);
  }
});

Deno.test("reachedByMajority() is the largest value that some majority has", () => {
  const values = fc.dictionary(
    fc.constantFrom(..."abcdefg"),
    fc.nat({ max: 5 }),
  );
  fc.assert(fc.property(voterSets, values, (voters, valueOf) => {
    const get = (id: string): number => valueOf[id] ?? 0;
    const reached = reachedByMajority(voters, get);
    assert.equal(reached, largestByTrying(voters, get));
  }));
});

Deno.test("reachedByMajority() of no voters is 0: nobody can agree", () => {
  assert.equal(reachedByMajority([], () => 7), 0);
});

Deno.test("countVotes() agrees with trying every outcome of the missing votes", () => {
  const votes = fc.dictionary(
    fc.constantFrom(..."abcdefgx"),
    fc.constantFrom("granted" as const, "refused" as const),
  );
  fc.assert(fc.property(voterSets, votes, (voters, cast) => {
    const result = countVotes(voters, new Map(Object.entries(cast)));
    const granted = voters.filter((id) => cast[id] === "granted");
    const possible = voters.filter((id) => cast[id] !== "refused");
    const wins = (group: readonly string[]): boolean =>
      2 * group.length > voters.length;
    const expected = wins(granted)
      ? "won"
      : wins(possible)
      ? "pending"
      : "lost";
    assert.equal(result, expected);
  }));
});

function largestByTrying(
  voters: readonly string[],
  valueOf: (id: string) => number,
): number {
  let best = 0;
  for (let subset = 0; subset < 2 ** voters.length; subset++) {
    const group = voters.filter((_, position) => subset & (1 << position));
    if (2 * group.length <= voters.length) continue;
    best = Math.max(best, Math.min(...group.map(valueOf)));
  }
  return best;
}
