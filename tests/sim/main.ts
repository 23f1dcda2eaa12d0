/**
 * `deno run -A tests/sim/main.ts --seed N` replays one run and prints its trace;
 * `--seeds N [--from M]` runs many and prints the first that breaks an invariant;
 * `--fault NAME` plants a bug.
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import type { RaftFault } from "../../core/raft/faults.ts";
import { Coverage } from "./coverage.ts";
import { drawOptions } from "./options.ts";
import { simulate } from "./simulation.ts";
import { Trace } from "./trace.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    fault: { type: "string" },
  },
});
const faults = new Set(values.fault ? [values.fault as RaftFault] : []);
Deno.exit(values.seed ? replay(Number(values.seed)) : runMany());

function replay(seed: number): number {
  console.log(JSON.stringify(drawOptions(seed)));
  const trace = new Trace({ mode: "keep", print: (line) => console.log(line) });
  const result = simulate(seed, { faults, trace });
  console.log(
    `${result.eventCount} events, ${result.acknowledgedCount} acknowledged`,
  );
  if (result.violation) console.log(result.violation.stack);
  return result.violation ? 1 : 0;
}

function runMany(): number {
  const from = Number(values.from);
  const count = Number(values.seeds ?? 200);
  const coverage = new Coverage();
  for (let seed = from; seed < from + count; seed++) {
    const result = simulate(seed, { faults });
    coverage.add(result.coverage);
    if (result.violation === undefined) continue;
    const fault = values.fault ? ` --fault ${values.fault}` : "";
    console.log(`seed ${seed}: ${result.violation.message}`);
    console.log(`replay: deno run -A tests/sim/main.ts --seed ${seed}${fault}`);
    return 1;
  }
  console.log(`${count} seeds, no violation`);
  console.log(coverage.toString());
  const missing = coverage.missing();
  if (missing.length > 0) console.log(`never seen: ${missing.join(", ")}`);
  return 0;
}
