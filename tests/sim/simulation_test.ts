/**
 * The simulator on itself, then on Raft: one seed is one history, a batch of
 * seeds breaks no invariant and has seen every kind of event.
 */
import assert from "node:assert/strict";
import { Coverage } from "./coverage.ts";
import { REGRESSIONS } from "./regressions.ts";
import { simulate } from "./simulation.ts";
import { Trace } from "./trace.ts";

const SEED_COUNT = 200;

Deno.test("simulate() gives byte-identical traces for one seed twice", () => {
  for (const seed of [9, 17, 92, 1001]) {
    const first = traceOf(seed);
    assert.ok(first.length > 100, `seed ${seed} does almost nothing`);
    assert.equal(traceOf(seed).join("\n"), first.join("\n"));
  }
});

Deno.test("simulate() gives different traces for different seeds", () => {
  assert.notEqual(traceOf(5).join("\n"), traceOf(6).join("\n"));
});

Deno.test(`simulate() finds nothing in ${SEED_COUNT} seeds and sees everything`, () => {
  const coverage = new Coverage();
  for (let seed = 1; seed <= SEED_COUNT; seed++) {
    const result = simulate(seed);
    coverage.add(result.coverage);
    assert.equal(result.violation?.message, undefined, replayHint(seed));
  }
  assert.deepEqual(coverage.missing(), []);
});

for (const { seed, was } of REGRESSIONS) {
  Deno.test(`simulate() no longer finds in seed ${seed}: ${was}`, () => {
    assert.equal(simulate(seed).violation?.message, undefined);
  });
}

function traceOf(seed: number): readonly string[] {
  const trace = new Trace({ mode: "keep" });
  simulate(seed, { trace });
  return trace.lines;
}

function replayHint(seed: number): string {
  return `replay: deno run -A tests/sim/main.ts --seed ${seed}`;
}
