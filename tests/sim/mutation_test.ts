/**
 * Is the simulator worth its time? Each deliberate protocol bug must be found
 * within 2,000 seeds, counted from the first.
 */
import assert from "node:assert/strict";
import type { RaftFault } from "../../core/raft/faults.ts";
import { FIGURE_8 } from "./options.ts";
import { simulate } from "./simulation.ts";

const SEEDS_MAX = 2_000;

const FAULTS: readonly RaftFault[] = [
  "vote_before_persist",
  "commit_old_term",
  "ack_before_sync",
  "skip_pre_vote_term_check",
  "forget_to_truncate",
  "two_changes_at_once",
  "read_without_quorum",
];

for (const fault of FAULTS) {
  Deno.test(`simulate() finds ${fault} within ${SEEDS_MAX} seeds`, () => {
    const seed = firstSeedWithViolation({ faults: new Set([fault]) });
    assert.ok(seed !== undefined, `${fault} was not found`);
    // The seed blames the bug only if it is clean without it.
    assert.equal(simulate(seed).violation, undefined);
  });
}

Deno.test(`simulate() finds commit_old_term by what is lost within ${SEEDS_MAX} seeds`, () => {
  const setup = { directed: FIGURE_8, rules: "effects" } as const;
  const faults = new Set(["commit_old_term"] as const);
  const seed = firstSeedWithViolation({ ...setup, faults });
  assert.ok(seed !== undefined, "nothing was lost");
  assert.equal(simulate(seed, setup).violation, undefined);
});

Deno.test(`simulate() finds skip_pre_vote_term_check by needless elections within ${SEEDS_MAX} seeds`, () => {
  const faults = new Set(["skip_pre_vote_term_check"] as const);
  const seed = firstSeedWithViolation({ faults, rules: "effects" });
  assert.ok(seed !== undefined, "no election was needless");
  assert.equal(simulate(seed).violation, undefined);
});

Deno.test(`simulate() finds a wiped node that keeps its identity within ${SEEDS_MAX} seeds`, () => {
  const seed = firstSeedWithViolation({ wipedIdentity: "kept" });
  assert.ok(seed !== undefined, "it was not found");
  assert.equal(simulate(seed).violation, undefined);
});

function firstSeedWithViolation(
  setup: Parameters<typeof simulate>[1],
): number | undefined {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    if (simulate(seed, setup).violation !== undefined) return seed;
  }
  return undefined;
}
