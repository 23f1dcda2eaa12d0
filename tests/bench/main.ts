// deno-lint-ignore-file no-console
/**
 * `deno task bench`: the figures of docs/performance.md, measured through the
 * executable's own `proglog bench`: one agent and one client on this machine,
 * mutual TLS, every acknowledgement synced. Prints the machine's facts and a
 * table; asserts nothing. `--insecure` for the figures without TLS, `--quick`
 * for a look. Run it beside a peer's drivers to compare within the same minutes.
 */
import { cpus, totalmem } from "node:os";
import { readFileSync } from "node:fs";
import { Workspace } from "../e2e/support/process.ts";

interface Row {
  readonly name: string;
  readonly args: readonly string[];
}

interface Figures {
  readonly recordsPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly latency?: { p50Ms: number; p99Ms: number };
}

const isQuick = Deno.args.includes("--quick");
const isInsecure = Deno.args.includes("--insecure");
const RUNS = isQuick ? 1 : 3;
const duration = isQuick ? "2s" : "4s";
const many = isQuick ? "1000000" : "4000000";
const some = isQuick ? "200000" : "600000";

const PRODUCE: readonly Row[] = [1, 64, 256].map((inFlight) => ({
  name: `unary Produce 128 B, ${inFlight} in flight`,
  args: ["produce", "--in-flight", `${inFlight}`, "--duration", duration],
}));
const LATENCY: Row = {
  name: "produce to live consumer, 1,000/s",
  args: ["latency", "--duration", duration],
};

console.log(machineFacts());
await Workspace.use(async (workspace) => {
  await benchRows(workspace, [...PRODUCE, LATENCY]);
  await benchStream(workspace, { size: "128", records: many });
  await benchStream(workspace, { size: "1KiB", records: some });
  await benchStart(workspace);
});

async function benchRows(
  workspace: Workspace,
  rows: readonly Row[],
): Promise<void> {
  const agent = await startAgent(workspace, "unary");
  for (const row of rows) {
    await benchRow(workspace, agent.address, row);
  }
  await agent.end("SIGTERM");
}

/** A fresh log: written once per run, then read from the start. */
async function benchStream(
  workspace: Workspace,
  options: { size: string; records: string },
): Promise<void> {
  const { size, records } = options;
  const agent = await startAgent(workspace, `stream-${size}`);
  await benchRow(workspace, agent.address, {
    name: `ProduceStream ${size} B records`,
    args: ["stream", "--size", size, "--records", records],
  });
  await benchRow(workspace, agent.address, {
    name: `ConsumeStream ${size} B records`,
    args: ["consume", "--records", records],
  });
  await agent.end("SIGTERM");
}

async function benchRow(
  workspace: Workspace,
  address: readonly string[],
  row: Row,
): Promise<void> {
  const runs: Figures[] = [];
  for (let n = 0; n < RUNS; n++) {
    const result = await workspace.run([
      "bench",
      ...row.args,
      "--json",
      ...(isInsecure ? ["--insecure"] : []),
      ...address,
    ]);
    if (result.code !== 0) throw new Error(result.stderr);
    runs.push(JSON.parse(result.stdout));
  }
  report(row.name, runs);
}

function report(name: string, runs: readonly Figures[]): void {
  const sorted = [...runs].sort((a, b) =>
    a.recordsPerSecond - b.recordsPerSecond
  );
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) return;
  const rates = sorted.map((run) => Math.round(run.recordsPerSecond));
  const { latency } = middle;
  const times = latency === undefined
    ? ""
    : `  p50 ${latency.p50Ms.toFixed(2)} ms  p99 ${
      latency.p99Ms.toFixed(2)
    } ms`;
  console.log(
    `${name.padEnd(40)} ${
      `${rates[Math.floor(rates.length / 2)]}`.padStart(9)
    }/s` +
      ` ${middle.megabytesPerSecond.toFixed(1).padStart(8)} MB/s` +
      `  (${rates[0]}..${rates.at(-1)})${times}`,
  );
}

/** Agent start to first acknowledged record, and memory at rest. */
async function benchStart(workspace: Workspace): Promise<void> {
  const tookMs: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    const startedMs = performance.now();
    const agent = await startAgent(workspace, `start-${n}`);
    await workspace.run([
      "produce",
      "x",
      ...(isInsecure ? ["--insecure"] : []),
      ...agent.address,
    ]);
    tookMs.push(Math.round(performance.now() - startedMs));
    if (n === RUNS - 1) {
      console.log(`idle memory  ${memoryMegabytes(agent.pid)} MB`);
    }
    await agent.end("SIGTERM");
  }
  console.log(
    `start of agent and of the client to the first acknowledgement  ${
      tookMs.join(", ")
    } ms`,
  );
}

function startAgent(workspace: Workspace, name: string) {
  return workspace.agent({ name, args: isInsecure ? ["--insecure"] : [] });
}

function memoryMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  return Math.round(kilobytes / 1024);
}

function machineFacts(): string {
  const { deno, v8 } = Deno.version;
  return `${Deno.build.target}, ${cpus().length} CPUs (${cpus()[0]?.model}), ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, Deno ${deno}, V8 ${v8}, ` +
    `${isInsecure ? "no TLS" : "mutual TLS"}, ${RUNS} runs, median (range)`;
}
