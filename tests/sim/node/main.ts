/**
 * `deno run -A tests/sim/node/main.ts --seed N` replays one run of whole nodes
 * and prints its trace; `--seeds N [--from M]` runs many and prints those that
 * break an invariant.
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import { Trace } from "../trace.ts";
import { simulateNodes } from "./node_simulation.ts";
import { drawOptions } from "./options.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
  },
});
Deno.exit(values.seed ? await replay(Number(values.seed)) : await runMany());

async function replay(seed: number): Promise<number> {
  console.log(JSON.stringify(drawOptions(seed)));
  const trace = new Trace({ mode: "keep", print: (line) => console.log(line) });
  const result = await simulateNodes(seed, trace);
  const { eventCount, acknowledgedCount, violation } = result;
  console.log(`${eventCount} events, ${acknowledgedCount} acknowledged`);
  if (violation) console.log(violation.stack);
  return violation ? 1 : 0;
}

async function runMany(): Promise<number> {
  const from = Number(values.from);
  const count = Number(values.seeds ?? 50);
  const sights = new Map<string, number>();
  let brokenCount = 0;
  let slowestMs = 0;
  for (let seed = from; seed < from + count; seed++) {
    const result = await simulateNodes(seed);
    slowestMs = Math.max(slowestMs, result.togetherAfterMs ?? 0);
    for (const [sight, times] of result.sights) {
      sights.set(sight, (sights.get(sight) ?? 0) + times);
    }
    if (result.violation === undefined) continue;
    brokenCount += 1;
    console.log(`seed ${seed}: ${result.violation.message}`);
  }
  console.log(`${brokenCount} of ${count} seeds break an invariant`);
  console.log(`together after ${slowestMs} ms of calm at the latest`);
  const lines = [...sights].map(([sight, times]) => `${sight} ${times}`);
  console.log(lines.toSorted().join(", "));
  return brokenCount === 0 ? 0 : 1;
}
