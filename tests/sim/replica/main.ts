/**
 * `deno run -A tests/sim/replica/main.ts --seed N` replays one run of production
 * replicas and prints its trace; `--seeds N [--from M]` runs many and prints the
 * first that breaks an invariant; `--fault NAME` plants a bug.
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import { drawOptions } from "../options.ts";
import { Trace } from "../trace.ts";
import { plant } from "./planted.ts";
import { simulateReplicas } from "./replica_simulation.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    fault: { type: "string" },
  },
});
const faults = values.fault ? plant(values.fault) : {};
Deno.exit(values.seed ? await replay(Number(values.seed)) : await runMany());

async function replay(seed: number): Promise<number> {
  console.log(JSON.stringify(drawOptions(seed)));
  const trace = new Trace({ mode: "keep", print: (line) => console.log(line) });
  const result = await simulateReplicas(seed, { faults, trace });
  console.log(
    `${result.eventCount} events, ${result.acknowledgedCount} acknowledged`,
  );
  if (result.violation) console.log(result.violation.stack);
  return result.violation ? 1 : 0;
}

async function runMany(): Promise<number> {
  const from = Number(values.from);
  const count = Number(values.seeds ?? 50);
  const sights = new Map<string, number>();
  for (let seed = from; seed < from + count; seed++) {
    const result = await simulateReplicas(seed, { faults });
    for (const [sight, times] of result.sights) {
      sights.set(sight, (sights.get(sight) ?? 0) + times);
    }
    if (result.violation === undefined) continue;
    const fault = values.fault ? ` --fault ${values.fault}` : "";
    console.log(`seed ${seed}: ${result.violation.message}`);
    console.log(
      `replay: deno run -A tests/sim/replica/main.ts --seed ${seed}${fault}`,
    );
    return 1;
  }
  console.log(`${count} seeds, no violation`);
  const lines = [...sights].map(([sight, times]) => `${sight} ${times}`);
  console.log(lines.toSorted().join(", "));
  return 0;
}
