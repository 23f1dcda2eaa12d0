// deno-lint-ignore-file no-console
/**
 * A peer and proglog under the same loads in the same minutes, one after the
 * other row by row: `deno run -A tests/bench/peers/main.ts redis|nats [--quick]`.
 * Ours goes through the executable's own `proglog bench`, over mutual TLS with
 * every acknowledgement synced; the peer speaks plain TCP. Asserts nothing.
 */
import { cpus, loadavg, totalmem } from "node:os";
import type { LoadResult } from "../../../net/load/load.ts";
import { type AgentProcess, Workspace } from "../../e2e/support/process.ts";
import { nats } from "./nats.ts";
import { isInstalled, type Peer, type PeerProgram } from "./peer.ts";
import { redis } from "./redis.ts";

const PEERS: Readonly<Record<string, PeerProgram>> = { redis, nats };

const isQuick = Deno.args.includes("--quick");
const RUNS = isQuick ? 1 : 3;
const DURATION_MS = isQuick ? 500 : 3_000;
const STREAMS = [
  { sizeBytes: 128, records: isQuick ? 20_000 : 1_000_000 },
  { sizeBytes: 1_024, records: isQuick ? 10_000 : 300_000 },
] as const;

interface Row {
  readonly name: string;
  readonly peer: () => Promise<LoadResult>;
  /** Arguments of `proglog bench`. */
  readonly ours: readonly string[];
}

async function main(): Promise<number> {
  const name = Deno.args.find((one) => !one.startsWith("--")) ?? "";
  const program = PEERS[name];
  if (program === undefined) {
    console.error(`name a peer: ${Object.keys(PEERS).join(" or ")}`);
    return 2;
  }
  if (!isInstalled(program)) {
    console.error(
      `SKIPPED: ${program.command} is missing (${program.package})`,
    );
    return 0;
  }
  const peer = await program.start();
  try {
    console.log(`${machineFacts()}\npeer: ${peer.name}`);
    await Workspace.use((workspace) => compare(workspace, peer));
  } finally {
    await peer.stop();
  }
  return 0;
}

/** A fresh log for each size: reading starts at offset 0. */
async function compare(workspace: Workspace, peer: Peer): Promise<void> {
  console.log(
    `${"".padEnd(32)} ${"peer".padStart(12)} ${"proglog".padStart(12)}  ratio`,
  );
  const agent = await workspace.agent({ name: "unary" });
  for (const row of unaryRows(peer)) await compareRow(workspace, agent, row);
  await agent.end("SIGTERM");
  for (const stream of STREAMS) {
    const fresh = await workspace.agent({ name: `stream${stream.sizeBytes}` });
    for (const row of streamRows(peer, stream)) {
      await compareRow(workspace, fresh, row);
    }
    await fresh.end("SIGTERM");
  }
}

function unaryRows(peer: Peer): Row[] {
  return [1, 64, 256].map((inFlight) => ({
    name: `unary 128 B, ${inFlight} in flight`,
    peer: () =>
      peer.unary({ inFlight, sizeBytes: 128, durationMs: DURATION_MS }),
    ours: [
      "produce",
      "--in-flight",
      `${inFlight}`,
      "--duration",
      `${DURATION_MS}ms`,
    ],
  }));
}

function streamRows(peer: Peer, stream: typeof STREAMS[number]): Row[] {
  const { records, sizeBytes } = stream;
  const count = ["--records", `${records}`];
  return [
    {
      name: `pipelined, ${sizeBytes} B`,
      peer: () => peer.pipelined(stream),
      ours: ["stream", "--size", `${sizeBytes}`, ...count],
    },
    {
      name: `read from the start, ${sizeBytes} B`,
      peer: () => peer.readBack(stream),
      ours: ["consume", ...count],
    },
  ];
}

async function compareRow(
  workspace: Workspace,
  agent: AgentProcess,
  row: Row,
): Promise<void> {
  const theirs: number[] = [];
  const ours: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    theirs.push((await row.peer()).recordsPerSecond);
    ours.push(await measureOurs(workspace, agent, row.ours));
  }
  const [peerRate, ourRate] = [median(theirs), median(ours)];
  const show = (rate: number) => `${Math.round(rate)}/s`.padStart(12);
  console.log(
    `${row.name.padEnd(32)} ${show(peerRate)} ${show(ourRate)}  ${
      (ourRate / peerRate).toFixed(1)
    }`,
  );
}

async function measureOurs(
  workspace: Workspace,
  agent: AgentProcess,
  args: readonly string[],
): Promise<number> {
  const command = ["bench", ...args, "--json", ...agent.address];
  const { code, stdout, stderr } = await workspace.run(command);
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as LoadResult).recordsPerSecond;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function machineFacts(): string {
  const { deno, v8 } = Deno.version;
  return `${Deno.build.target}, ${cpus().length} CPUs (${cpus()[0]?.model}), ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, Deno ${deno}, V8 ${v8}, ` +
    `load ${loadavg()[0]?.toFixed(1)}, ${RUNS} runs, median`;
}

Deno.exit(await main());
