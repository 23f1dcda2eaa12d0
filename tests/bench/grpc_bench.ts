/**
 * Unary echo over mutual TLS, server and client in two processes: ours, and a
 * grpc-js server on Node under the same client. Prints the machine's facts and
 * calls/s: deno run -A tests/bench/grpc_bench.ts
 */
import { join } from "node:path";
import { dialGrpc, type GrpcLink } from "../../net/grpc/dial.ts";
import { createClock, createScheduler } from "../../net/os/clock.ts";
import { grpcJsEnvironment, here, nodeGrpcJs } from "../interop/programs.ts";
import { type Child, startChild } from "../support/child.ts";
import {
  makeTestCertificates,
  type TestCertificates,
} from "../support/test_certificates.ts";

const PAYLOAD = new Uint8Array(100);
const WARM_UP_CALLS = 20_000;
const RUNS = [
  { inFlight: 1, calls: 5_000 },
  { inFlight: 64, calls: 100_000 },
  { inFlight: 256, calls: 200_000 },
] as const;

const say = (line: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

async function main(): Promise<void> {
  const certificates = makeTestCertificates();
  sayFacts();
  const ours = await measure(certificates, startOurs(certificates), 1);
  report("proglog", ours);
  const program = nodeGrpcJs();
  if (program.isHere) {
    const theirs = await measure(certificates, startGrpcJs(certificates), 10);
    report("grpc-js on Node", theirs);
    RUNS.forEach(({ inFlight }, at) => {
      const ratio = (ours[at] ?? 0) / (theirs[at] ?? 1);
      say(`ratio at ${inFlight} in flight: ${ratio.toFixed(1)}`);
    });
  } else say(`${program.name} is missing (${program.package})`);
  certificates.remove();
}

function sayFacts(): void {
  const { deno, v8 } = Deno.version;
  const cpu = /model name\s*:\s*(.*)/.exec(
    Deno.readTextFileSync("/proc/cpuinfo"),
  )?.[1];
  say(`Deno ${deno}, V8 ${v8}, ${navigator.hardwareConcurrency} CPUs, ${cpu}`);
  say(`unary echo of ${PAYLOAD.length} bytes, one connection, mutual TLS`);
}

function startOurs(certificates: TestCertificates): Promise<Child> {
  return startChild(Deno.execPath(), {
    args: [
      "run",
      "-A",
      join(here, "../support/echo_main.ts"),
      certificates.directory,
    ],
  });
}

function startGrpcJs(certificates: TestCertificates): Promise<Child> {
  return startChild("node", {
    args: [join(here, "grpc_js/server.cjs"), certificates.directory],
    env: grpcJsEnvironment(),
  });
}

/** Calls per second of each run; a slow server gets fewer calls by `divisor`. */
async function measure(
  certificates: TestCertificates,
  starting: Promise<Child>,
  divisor: number,
): Promise<number[]> {
  const server = await starting;
  const link = await dialGrpc({
    host: "127.0.0.1",
    port: server.port,
    tls: certificates.root,
    clock: createClock(),
    scheduler: createScheduler(),
  });
  await load(link, { inFlight: 64, calls: WARM_UP_CALLS / divisor });
  const rates: number[] = [];
  for (const { inFlight, calls } of RUNS) {
    rates.push(await load(link, { inFlight, calls: calls / divisor }));
  }
  link.close();
  await server.stop();
  return rates;
}

async function load(
  { client }: GrpcLink,
  { inFlight, calls }: { inFlight: number; calls: number },
): Promise<number> {
  let left = calls;
  const startedMs = performance.now();
  const worker = async () => {
    while (left-- > 0) await client.unary("/test.v1.Echo/Unary", PAYLOAD);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return calls / (performance.now() - startedMs) * 1_000;
}

function report(name: string, rates: readonly number[]): void {
  RUNS.forEach(({ inFlight }, at) => {
    const rate = Math.round(rates[at] ?? 0).toLocaleString("en");
    say(`${name}, ${inFlight} in flight: ${rate} calls/s`);
  });
}

await main();
