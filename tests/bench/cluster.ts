// deno-lint-ignore-file no-console
/**
 * Figures of three agents and one client on this machine, mutual TLS, every
 * acknowledgement synced on a majority: throughput, latency, failover, catching
 * up, cost at rest. `deno task bench:cluster [--quick] [NAME...]`, with names out
 * of `FIGURES`; "consume" reads what "stream" has written. Asserts nothing.
 */
import { readFileSync } from "node:fs";
import { Cluster } from "../e2e/support/cluster.ts";
import { until, Workspace } from "../e2e/support/process.ts";

const isQuick = Deno.args.includes("--quick");
const RUNS = isQuick ? 1 : 3;
const FAILOVERS = isQuick ? 3 : 20;
/** Of 1 KiB each. */
const CATCH_UP_RECORDS = isQuick ? 100_000 : 1_048_576;
/** A follower so close behind live writes has caught up. */
const LAG_MAX_RECORDS = 1_000;
const CATCH_UP_MAX_MS = 120_000;
const IDLE_SECONDS = 20;
const TICKS_PER_SECOND = 100;

interface LoadJson {
  readonly recordsPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly latency?: Latency;
  readonly acknowledged?: Latency;
}

interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const FIGURES: Record<string, (cluster: Cluster) => Promise<void>> = {
  unary: (cluster) =>
    load(cluster, "unary Produce 128 B, 64 in flight", [
      "produce",
      "--in-flight",
      "64",
      "--duration",
      "4s",
    ]),
  stream: async (cluster) => {
    const [small, large] = isQuick
      ? ["300000", "50000"]
      : ["1500000", "200000"];
    await load(cluster, "ProduceStream 128 B", ["stream", "--records", small]);
    const size = ["--size", "1KiB", "--records", large];
    await load(cluster, "ProduceStream 1 KiB", ["stream", ...size]);
  },
  consume: async (cluster) => {
    const records = isQuick ? "300000" : "1500000";
    const [follower = ""] = cluster.others(await cluster.leader());
    await load(cluster, "ConsumeStream 128 B from a follower", [
      "consume",
      "--records",
      records,
    ], cluster.agent(follower).address);
  },
  latency: (cluster) =>
    load(cluster, "produce to live consumer, 1,000/s", [
      "latency",
      "--duration",
      "5s",
    ]),
  idle,
  failover,
  "catch-up": catchUp,
};

async function load(
  cluster: Cluster,
  name: string,
  args: readonly string[],
  addresses = cluster.addresses,
): Promise<void> {
  const runs: LoadJson[] = [];
  for (let n = 0; n < RUNS; n++) {
    runs.push(await bench(cluster, args, addresses));
  }
  runs.sort((a, b) => a.recordsPerSecond - b.recordsPerSecond);
  const rates = runs.map((run) => Math.round(run.recordsPerSecond));
  const middle = runs[Math.floor(runs.length / 2)];
  const times = middle?.latency === undefined
    ? ""
    : `  ${text(middle.latency)}`;
  console.log(
    `${name.padEnd(36)} ${rates[Math.floor(runs.length / 2)]}/s (${
      rates.join(", ")
    })  ${middle?.megabytesPerSecond.toFixed(1)} MB/s${times}`,
  );
}

async function bench(
  cluster: Cluster,
  args: readonly string[],
  addresses: readonly string[],
): Promise<LoadJson> {
  const { code, stdout, stderr } = await cluster.workspace.run(
    ["bench", ...args, "--json", ...addresses],
  );
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Share of a core of each agent without work. */
async function idle(cluster: Cluster): Promise<void> {
  const leader = await cluster.leader();
  const agents = cluster.names.map((name) => cluster.agent(name));
  const before = agents.map(({ pid }) => cpuSeconds(pid));
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
  const shares = agents.map(({ pid }, n) => {
    const usedSeconds = cpuSeconds(pid) - (before[n] ?? 0);
    const isLeader = cluster.names[n] === leader ? " (leader)" : "";
    return `${(usedSeconds / IDLE_SECONDS * 100).toFixed(2)}${isLeader}`;
  });
  console.log(`at rest, % of a core each: ${shares.join(", ")}`);
}

/** kill -9 of the leader to the next acknowledged write of a running client. */
async function failover(cluster: Cluster): Promise<void> {
  const gapsMs: number[] = [];
  for (let n = 0; n < FAILOVERS; n++) {
    const leader = await cluster.leader();
    const running = bench(
      cluster,
      ["failover", "--timeout", "20s"],
      cluster.addresses,
    ) as Promise<unknown> as Promise<{ readonly gapMs: number }>;
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await cluster.agent(leader).end("SIGKILL");
    gapsMs.push(Math.round((await running).gapMs));
    await cluster.launch(leader);
    await cluster.untilVoters(cluster.names);
  }
  gapsMs.sort((a, b) => a - b);
  console.log(
    `kill -9 of the leader, longest gap between acknowledgements: median ${
      gapsMs[Math.floor(gapsMs.length / 2)]
    } ms, worst ${gapsMs.at(-1)} ms of ${gapsMs.length}`,
  );
}

/**
 * A follower that was down while 1 GiB came comes back under 1,000 writes a
 * second: how long it takes, its process's start included, and what the writes
 * feel of it.
 */
async function catchUp(cluster: Cluster): Promise<void> {
  const [name = ""] = cluster.others(await cluster.leader());
  await cluster.agent(name).end("SIGKILL");
  const survivors = cluster.others(name)
    .flatMap((other) => cluster.agent(other).address);
  const records = ["--size", "1KiB", "--records", `${CATCH_UP_RECORDS}`];
  await bench(cluster, ["stream", ...records], survivors);
  const writes = ["latency", "--rate", "1000", "--duration"];
  const undisturbed = await bench(cluster, [...writes, "8s"], survivors);
  const startedMs = performance.now();
  const disturbed = bench(cluster, [...writes, "8s"], survivors);
  await cluster.launch(name);
  await until("it has caught up", async () => {
    const leader = await cluster.log(await cluster.leader());
    const replica = leader?.raft.replicas.find((one) => one.name === name);
    return replica?.role === "voter" &&
      Number(replica.lag_records) < LAG_MAX_RECORDS;
  }, CATCH_UP_MAX_MS);
  const seconds = (performance.now() - startedMs) / 1000;
  const megabytes = CATCH_UP_RECORDS * 1024 / 1e6;
  console.log(
    `a follower ${megabytes.toFixed(0)} MB behind: ${seconds.toFixed(1)} s, ${
      (megabytes / seconds).toFixed(0)
    } MB/s`,
  );
  for (
    const [when, { acknowledged }] of [
      ["before", undisturbed],
      ["meanwhile", await disturbed],
    ] as const
  ) {
    if (acknowledged === undefined) throw new Error("no latency");
    console.log(`  acknowledgements ${when}: ${text(acknowledged)}`);
  }
}

function text({ p50Ms, p99Ms }: Latency): string {
  return `p50 ${p50Ms.toFixed(2)} ms  p99 ${p99Ms.toFixed(2)} ms`;
}

/** User and system time of a process so far. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const named = Deno.args.filter((arg) => !arg.startsWith("--"));
const unknown = named.filter((name) => !Object.hasOwn(FIGURES, name));
if (unknown.length > 0) {
  console.error(`No figure ${unknown}; there are ${Object.keys(FIGURES)}`);
  Deno.exit(2);
}
await Workspace.use(async (workspace) => {
  const cluster = await Cluster.start(workspace);
  for (const [name, figure] of Object.entries(FIGURES)) {
    if (named.length === 0 || named.includes(name)) await figure(cluster);
  }
});
