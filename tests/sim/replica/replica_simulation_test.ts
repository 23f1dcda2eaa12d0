/**
 * Production replicas under the simulator: one seed is one history, a batch of
 * seeds breaks no promise and has seen every kind of event, planted bugs are
 * found.
 */
import assert from "node:assert/strict";
import { Trace } from "../trace.ts";
import { plant } from "./planted.ts";
import { REPLICA_REGRESSIONS } from "./regressions.ts";
import { simulateReplicas } from "./replica_simulation.ts";

const SEED_COUNT = 40;
const FAULT_SEEDS_MAX = 300;

/** A batch that lacks one of these proves less than it seems to. */
const SIGHTS = [
  "change_done",
  "change_unknown",
  "configuration_changed",
  "decay_index",
  "decay_refused",
  "decay_segment",
  "decay_state",
  "crash",
  "cut",
  "duplication",
  "full_disk",
  "loss",
  "lost_name",
  "lost_write",
  "partition_both",
  "partition_one",
  "pause",
  "read_leader",
  "read_linearizable",
  "refused_disk_full",
  "refused_not_leader",
  "refused_unavailable",
  "reordering",
  "reset",
  "restart",
  "role_changed",
  "slow_disk",
  "stepped_down",
  "stepped_down_removed",
  "torn_tail_cut",
  "torn_write",
  "transfer",
  "trim",
  "truncated",
  "replacement",
];

Deno.test("simulateReplicas() gives byte-identical traces for one seed twice", async () => {
  for (const seed of [3, 11, 46]) {
    const first = await traceOf(seed);
    assert.ok(first.length > 100, `seed ${seed} does almost nothing`);
    assert.equal((await traceOf(seed)).join("\n"), first.join("\n"));
  }
});

Deno.test(`simulateReplicas() finds nothing in ${SEED_COUNT} seeds and sees everything`, async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    const { violation, sights } = await simulateReplicas(seed);
    for (const sight of sights.keys()) seen.add(sight);
    assert.equal(violation?.message, undefined, replayHint(seed));
  }
  assert.deepEqual(SIGHTS.filter((sight) => !seen.has(sight)), []);
});

for (const { seed, was } of REPLICA_REGRESSIONS) {
  Deno.test(`simulateReplicas() no longer finds in seed ${seed}: ${was}`, async () => {
    const { violation } = await simulateReplicas(seed);
    assert.equal(violation?.message, undefined);
  });
}

for (
  const fault of [
    "sync_never",
    "vote_before_persist",
    "read_without_quorum",
    "forget_to_truncate",
    "apply_twice",
    "forget_appended_producers",
    "lose_producers_on_reset",
    "trust_torn_tail",
  ]
) {
  Deno.test(`simulateReplicas() finds ${fault} within ${FAULT_SEEDS_MAX} seeds`, async () => {
    const faults = plant(fault);
    for (let seed = 1; seed <= FAULT_SEEDS_MAX; seed++) {
      const { violation } = await simulateReplicas(seed, { faults });
      if (violation !== undefined) return;
    }
    assert.fail(`${fault} was not found`);
  });
}

async function traceOf(seed: number): Promise<readonly string[]> {
  const trace = new Trace({ mode: "keep" });
  await simulateReplicas(seed, { trace });
  return trace.lines;
}

function replayHint(seed: number): string {
  return `replay: deno run -A tests/sim/replica/main.ts --seed ${seed}`;
}
