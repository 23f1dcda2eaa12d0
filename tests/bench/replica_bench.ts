// deno-lint-ignore-file no-console
/**
 * Proposals per second of a replica that is alone, and of the leader of three,
 * all in this one process, on the real disk, synced. Messages travel as bytes
 * through the event loop; no TLS, no gRPC. Asserts nothing.
 *
 *   deno run -A tests/bench/replica_bench.ts [--dir DIR] [--seconds N]
 */
import * as os from "node:os";
import { setImmediate } from "node:timers";
import { concatBytes } from "../../core/bytes.ts";
import { encodeRecords } from "../../core/log/record.ts";
import { decodeMessage, encodeMessage } from "../../core/raft/codec.ts";
import { createClock, createScheduler } from "../../net/os/clock.ts";
import { createDisk } from "../../net/os/disk.ts";
import { createRandom } from "../../net/os/random.ts";
import { parseEntries } from "../../net/runtime/replica/entries.ts";
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

const LOADS = [
  { recordCount: 1, inFlight: 1 },
  { recordCount: 1, inFlight: 64 },
  { recordCount: 1, inFlight: 256 },
  { recordCount: 1_000, inFlight: 1 },
  { recordCount: 1_000, inFlight: 32 },
];

printMachine();
for (const ids of [["a"], ["a", "b", "c"]]) {
  for (const load of LOADS) {
    const rate = await measureGroup(ids, load);
    const { recordCount, inFlight } = load;
    const shown = Math.round(rate).toLocaleString("en");
    const records = Math.round(rate * recordCount).toLocaleString("en");
    console.log(
      `${ids.length} voter(s), ${recordCount} record(s), ${inFlight} in ` +
        `flight: ${shown} proposals/s, ${records} records/s`,
    );
  }
}

/** In a directory of its own, which is gone afterwards. */
async function measureGroup(
  ids: readonly string[],
  load: typeof LOADS[number],
): Promise<number> {
  Deno.mkdirSync(root);
  try {
    const group = await openGroup(ids);
    const rate = await measure(await leaderOf(group), load);
    for (const replica of group) await replica.stop();
    return rate;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function openGroup(ids: readonly string[]): Promise<Replica[]> {
  const group = new Map<string, Replica>();
  for (const nodeId of ids) {
    const replica = await Replica.open({
      ...environment,
      directory: `${root}/${nodeId}`,
      logName: "default",
      nodeId,
      network: {
        send(message, attachment) {
          const bytes = concatBytes(encodeMessage(message, attachment));
          setImmediate(() => {
            const received = decodeMessage(bytes, parseEntries);
            group.get(message.to)?.receive(received);
          });
        },
      },
      watcher: { event: () => {}, failed: fail },
    });
    group.set(nodeId, replica);
  }
  const founders = ids.map((id) => ({ id, name: id, address: id }));
  for (const replica of group.values()) await replica.bootstrap(founders);
  return [...group.values()];
}

async function leaderOf(group: readonly Replica[]): Promise<Replica> {
  while (true) {
    const leader = group.find((replica) => replica.isLeader);
    if (leader !== undefined) return leader;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function measure(
  leader: Replica,
  { recordCount, inFlight }: typeof LOADS[number],
): Promise<number> {
  const value = new Uint8Array(VALUE_BYTES).fill(0x61);
  const records = encodeRecords(
    Array.from({ length: recordCount }, () => ({ value })),
  );
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  let count = 0;
  const produce = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await leader.propose({ records, count: recordCount });
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
