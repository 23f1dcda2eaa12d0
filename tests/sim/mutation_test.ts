/**
 * Is the simulator worth its time? Each deliberate protocol bug must be found
 * within 2,000 seeds, counted from the first.
 */
import assert from "node:assert/strict";
import type { RaftFault } from "../../core/raft/faults.ts";
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
