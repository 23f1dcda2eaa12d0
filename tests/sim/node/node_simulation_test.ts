/**
 * Whole nodes under the simulator: one seed is one history, and a batch of seeds
 * breaks no promise and has seen every kind of event. `NODE_SIM_SEEDS=1000` runs
 * more of them.
 */
import assert from "node:assert/strict";
import { Trace } from "../trace.ts";
import { simulateNodes } from "./node_simulation.ts";
import { NODE_REGRESSIONS } from "./regressions.ts";

/** From here on few seeds see much. */
const SEED_FIRST = 50;
const SEED_COUNT = Number(Deno.env.get("NODE_SIM_SEEDS") ?? 10);

/** A batch that lacks one of these proves less than it seems to. */
const SIGHTS = [
  "another node uses this node's name: give one of them another --node-name",
  "blackout",
  "change_join",
  "change_leave",
  "change_readdress",
  "change_reap",
  "change_wipe",
  "client_acknowledged",
  "client_consumed",
  "client_outcome_unknown",
  "client_producer_failed",
  "client_read_leader",
  "client_read_linearizable",
  "client_trimmed",
  "cut",
  "crash",
  "duplication",
  "election",
  "full_disk",
  "gossip_encrypted",
  "founded a cluster",
  "joined a cluster",
  "leave",
  "leave_for_good",
  "leave_of_leader",
  "loss",
  "link_refused",
  "member failed",
  "member join",
  "member leave",
  "member update",
  "new_machine",
  "partition_both",
  "partition_one",
  "pause",
  "read_leader",
  "read_linearizable",
  "readdress",
  "refused_disk_full",
  "refused_not_leader",
  "refused_unavailable",
  "reordering",
  "restart",
  "slow_disk",
  "stepped down",
  "transfer",
  "trim",
  "wipe",
];

Deno.test("simulateNodes() gives byte-identical traces for one seed twice", async () => {
  for (const seed of [3, 7, 12]) {
    const first = await traceOf(seed);
    assert.ok(first.length > 100, `seed ${seed} does almost nothing`);
    assert.equal((await traceOf(seed)).join("\n"), first.join("\n"));
  }
});

Deno.test(`simulateNodes() finds nothing in ${SEED_COUNT} seeds and sees everything`, async () => {
  const seen = new Set<string>();
  for (let seed = SEED_FIRST; seed < SEED_FIRST + SEED_COUNT; seed++) {
    const { violation, sights } = await simulateNodes(seed);
    for (const sight of sights.keys()) seen.add(sight);
    assert.equal(violation?.message, undefined, replayHint(seed));
  }
  assert.deepEqual(SIGHTS.filter((sight) => !seen.has(sight)), []);
});

for (const { seed, was } of NODE_REGRESSIONS) {
  Deno.test(`simulateNodes() no longer finds in seed ${seed}: ${was}`, async () => {
    const { violation } = await simulateNodes(seed);
    assert.equal(violation?.message, undefined);
  });
}

async function traceOf(seed: number): Promise<readonly string[]> {
  const trace = new Trace({ mode: "keep" });
  await simulateNodes(seed, trace);
  return trace.lines;
}

function replayHint(seed: number): string {
  return `replay: deno run -A tests/sim/node/main.ts --seed ${seed}`;
}
