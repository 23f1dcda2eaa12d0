// deno-lint-ignore-file no-console
/**
 * Figures of three agents and one client on this machine, mutual TLS, every
 * acknowledgement synced on a majority: throughput, latency, failover, catching
 * up, cost at rest. `deno task bench:cluster [--quick]`. Asserts nothing.
 */
import { readFileSync } from "node:fs";
import { type AgentProcess, until, Workspace } from "../e2e/support/process.ts";

const isQuick = Deno.args.includes("--quick");
const RUNS = isQuick ? 1 : 3;
const FAILOVERS = isQuick ? 3 : 20;
const CATCH_UP_RECORDS = isQuick ? 100_000 : 1_000_000;

interface Server {
  readonly id: string;
  readonly rpc_addr: string;
  readonly is_leader: boolean;
}

class Cluster {
  readonly #workspace: Workspace;
  readonly #agents = new Map<string, AgentProcess>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  async start(): Promise<void> {
    const first = await this.#workspace.agent({ name: "node1" });
    this.#agents.set("node1", first);
    const join = ["--join", `127.0.0.1:${first.gossipPort}`];
    for (const name of ["node2", "node3"]) {
      const agent = await this.#workspace.agent({ name, args: join });
      this.#agents.set(name, agent);
    }
    await this.untilVoters();
  }

  get addresses(): string[] {
    return [...this.#agents.values()].flatMap((agent) => agent.address);
  }

  async bench(
    name: string,
    args: readonly string[],
    at: "cluster" | "follower" = "cluster",
  ): Promise<void> {
    const address = at === "cluster"
      ? this.addresses
      : (await this.#follower()).address;
    const runs: { recordsPerSecond: number; text: string }[] = [];
    for (let n = 0; n < RUNS; n++) {
      const result = await this.#workspace.run([
        "bench",
        ...args,
        "--json",
        ...address,
      ]);
      if (result.code !== 0) throw new Error(result.stderr);
      const { recordsPerSecond, megabytesPerSecond, latency } = JSON.parse(
        result.stdout,
      );
      const times = latency === undefined
        ? ""
        : `  p50 ${latency.p50Ms.toFixed(2)} ms  p99 ${
          latency.p99Ms.toFixed(2)
        } ms`;
      const text = `${Math.round(recordsPerSecond)}/s  ${
        megabytesPerSecond.toFixed(1)
      } MB/s${times}`;
      runs.push({ recordsPerSecond, text });
    }
    runs.sort((a, b) => a.recordsPerSecond - b.recordsPerSecond);
    const middle = runs[Math.floor(runs.length / 2)];
    console.log(`${name.padEnd(40)} ${middle?.text}`);
  }

  /** Share of a core of each agent over ten seconds without work. */
  async idle(): Promise<void> {
    const agents = [...this.#agents.values()];
    const before = agents.map((agent) => cpuMs(agent.pid));
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const shares = agents.map((agent, n) =>
      ((cpuMs(agent.pid) - (before[n] ?? 0)) / 100).toFixed(1)
    );
    console.log(`at rest, % of a core each: ${shares.join(", ")}`);
  }

  /** kill -9 of the leader to the next acknowledged write of a new client. */
  async failover(): Promise<void> {
    const tookMs: number[] = [];
    for (let n = 0; n < FAILOVERS; n++) {
      const leader = await this.#leader();
      const producer = this.#workspace.spawn([
        "bench",
        "failover",
        "--json",
        "--timeout",
        "20s",
        ...this.addresses,
      ]);
      const output = producer.output();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await leader.agent.end("SIGKILL");
      const { stdout, stderr, code } = await output;
      const text = new TextDecoder();
      if (code !== 0) throw new Error(text.decode(stderr));
      tookMs.push(Math.round(JSON.parse(text.decode(stdout)).gapMs));
      await this.#restart(leader.name);
    }
    tookMs.sort((a, b) => a - b);
    console.log(
      `kill -9 of the leader, longest gap between acknowledgements: median ${
        tookMs[Math.floor(tookMs.length / 2)]
      } ms, worst ${tookMs.at(-1)} ms of ${tookMs.length}`,
    );
  }

  /** A follower that was down while 1 GiB came comes back under writes. */
  async catchUp(): Promise<void> {
    const { name, agent } = await this.#followerNamed();
    await agent.end("SIGKILL");
    const survivors = [...this.#agents.values()]
      .filter((other) => other !== agent)
      .flatMap((other) => other.address);
    const fill = await this.#workspace.run([
      "bench",
      "stream",
      "--size",
      "1KiB",
      "--records",
      `${CATCH_UP_RECORDS}`,
      ...survivors,
    ]);
    if (fill.code !== 0) throw new Error(fill.stderr);
    const startedMs = performance.now();
    await this.#restart(name);
    const seconds = (performance.now() - startedMs) / 1000;
    const megabytes = CATCH_UP_RECORDS * 1024 / 1e6;
    console.log(
      `a follower ${megabytes.toFixed(0)} MB behind: ${
        (megabytes / seconds).toFixed(0)
      } MB/s, start of the process included`,
    );
  }

  async untilVoters(): Promise<void> {
    await until("three voters have all there is", async () => {
      const result = await this.#workspace.run([
        "status",
        "--json",
        ...(await this.#leader()).agent.address,
      ]);
      if (result.code !== 0) return false;
      const { replicas = [] } = JSON.parse(result.stdout).logs[0].raft ?? {};
      const current = replicas.filter((
        one: { role: string; lag_records: string },
      ) => one.role === "voter" && Number(one.lag_records) === 0);
      return current.length === 3;
    });
  }

  async #restart(name: string): Promise<void> {
    const old = this.#agents.get(name);
    if (old === undefined) return;
    const seeds = [...this.#agents].filter(([other]) => other !== name)
      .flatMap(([, agent]) => ["--join", `127.0.0.1:${agent.gossipPort}`]);
    const agent = await this.#workspace.agent({
      name,
      rpcPort: old.rpcPort,
      gossipPort: old.gossipPort,
      args: seeds,
    });
    this.#agents.set(name, agent);
    await this.untilVoters();
  }

  async #servers(): Promise<Server[]> {
    const { code, stdout } = await this.#workspace.run([
      "servers",
      "--json",
      ...this.addresses,
    ]);
    return code === 0 ? JSON.parse(stdout).servers : [];
  }

  async #leader(): Promise<{ name: string; agent: AgentProcess }> {
    let found: string | undefined;
    await until("there is a leader", async () => {
      found = (await this.#servers()).find((one) => one.is_leader)?.id;
      return found !== undefined;
    });
    const agent = this.#agents.get(found ?? "");
    if (agent === undefined) throw new Error(`no agent ${found}`);
    return { name: found ?? "", agent };
  }

  async #follower(): Promise<AgentProcess> {
    return (await this.#followerNamed()).agent;
  }

  async #followerNamed(): Promise<{ name: string; agent: AgentProcess }> {
    const { name: leader } = await this.#leader();
    for (const [name, agent] of this.#agents) {
      if (name !== leader) return { name, agent };
    }
    throw new Error("no follower");
  }
}

/** User and system time of a process so far. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

await Workspace.use(async (workspace) => {
  const cluster = new Cluster(workspace);
  await cluster.start();
  await cluster.bench("unary Produce 128 B, 64 in flight", [
    "produce",
    "--in-flight",
    "64",
    "--duration",
    "4s",
  ]);
  await cluster.bench("ProduceStream 128 B", [
    "stream",
    "--records",
    isQuick ? "300000" : "1500000",
  ]);
  await cluster.bench("ProduceStream 1 KiB", [
    "stream",
    "--size",
    "1KiB",
    "--records",
    isQuick ? "50000" : "200000",
  ]);
  await cluster.bench("ConsumeStream 128 B from a follower", [
    "consume",
    "--records",
    isQuick ? "300000" : "1500000",
  ], "follower");
  await cluster.bench("produce to live consumer, 1,000/s", [
    "latency",
    "--duration",
    "5s",
  ]);
  await cluster.idle();
  await cluster.failover();
  await cluster.catchUp();
});
