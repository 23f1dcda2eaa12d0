// deno-lint-ignore-file no-console
/**
 * Proposals per second of a replica that is alone, in process, on the real disk,
 * beside the commit loop that it replaces. Asserts nothing.
 *
 *   deno run -A tests/bench/replica_bench.ts [--dir DIR] [--seconds N]
 */
import * as os from "node:os";
import type { Proposal } from "../../core/cluster/proposal.ts";
import { encodeRecords } from "../../core/log/record.ts";
import { createClock, createScheduler } from "../../net/os/clock.ts";
import { createDisk } from "../../net/os/disk.ts";
import { createRandom } from "../../net/os/random.ts";
import { OpenLog } from "../../net/runtime/open_log.ts";
import { Replica } from "../../net/runtime/replica/replica.ts";

const VALUE_BYTES = 128;
const directory = argument("--dir") ?? "/tmp";
const seconds = Number(argument("--seconds") ?? "2");
const root = `${directory}/proglog-replica-bench-${Deno.pid}`;

const environment = {
  disk: createDisk(),
  clock: createClock(),
  scheduler: createScheduler(),
  random: createRandom(),
  config: { segmentBytesMax: 256 * 1024 * 1024, segmentAgeMaxMs: Infinity },
  retention: { bytesMax: null, ageMaxMs: null },
  fsync: { kind: "always" },
} as const;

interface Target {
  propose(proposal: Proposal): Promise<unknown>;
  stop(): Promise<void>;
}

const TARGETS: Readonly<Record<string, (path: string) => Promise<Target>>> = {
  "commit loop": (path) =>
    OpenLog.open({ ...environment, directory: path, onFailure: fail }),
  replica: async (path) => {
    const replica = await Replica.open({
      ...environment,
      directory: path,
      logName: "default",
      network: { send: () => {} },
      watcher: { event: () => {}, failed: fail },
    });
    const id = replica.nodeId;
    await replica.bootstrap([{ id, name: "a", address: "127.0.0.1:8400" }]);
    return replica;
  },
};

const LOADS = [
  { recordCount: 1, inFlight: 1 },
  { recordCount: 1, inFlight: 64 },
  { recordCount: 1, inFlight: 256 },
  { recordCount: 1_000, inFlight: 1 },
  { recordCount: 1_000, inFlight: 32 },
];

printMachine();
Deno.mkdirSync(root);
try {
  for (const load of LOADS) await compare(load);
} finally {
  await Deno.remove(root, { recursive: true });
}

/** Runs the targets by turns, so that both see the same machine. */
async function compare(load: typeof LOADS[number]): Promise<void> {
  const rates = new Map<string, number[]>();
  for (let round = 0; round < 3; round++) {
    for (const [name, open] of Object.entries(TARGETS)) {
      const target = await open(`${root}/${name.replace(" ", "_")}_${round}`);
      const rate = await measure(target, load);
      rates.set(name, [...rates.get(name) ?? [], rate]);
      await target.stop();
      await Deno.remove(root, { recursive: true });
      Deno.mkdirSync(root);
    }
  }
  const best = [...rates].map(([name, all]) => ({
    name,
    rate: Math.max(...all),
  }));
  const texts = best.map(({ name, rate }) =>
    `${name} ${Math.round(rate).toLocaleString("en")}/s`
  );
  const [old, own] = best;
  const ratio = ((own?.rate ?? 0) / (old?.rate ?? 1)).toFixed(2);
  console.log(
    `${load.recordCount} record(s), ${load.inFlight} in flight: ${
      texts.join(", ")
    }, ratio ${ratio}`,
  );
}

async function measure(
  target: Target,
  { recordCount, inFlight }: typeof LOADS[number],
): Promise<number> {
  const value = new Uint8Array(VALUE_BYTES).fill(0x61);
  const records = encodeRecords(
    Array.from({ length: recordCount }, () => ({ value })),
  );
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000 / 3;
  let count = 0;
  const produce = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await target.propose({ records, count: recordCount });
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, produce));
  return count / (performance.now() - startMs) * 1_000;
}

function fail(cause: Error): void {
  console.error(cause);
  Deno.exit(1);
}

function printMachine(): void {
  const [cpu] = os.cpus();
  console.log(
    `${cpu?.model ?? "unknown CPU"}, ${os.cpus().length} cores, ` +
      `Deno ${Deno.version.deno}, load ${os.loadavg()[0]?.toFixed(1)}`,
  );
}

function argument(name: string): string | undefined {
  const at = Deno.args.indexOf(name);
  return at < 0 ? undefined : Deno.args[at + 1];
}
