// deno-lint-ignore-file no-console
/**
 * Speed of the log engine on the real disk: append and sync, read, record walk,
 * open after kill -9. Prints the machine's facts; asserts nothing.
 *
 *   deno run -A tests/bench/engine_bench.ts [--dir DIR] [--open-gib N]
 *
 * `--open-gib 10` writes a log of 10 GiB for the last figure; default 1.
 */

import * as os from "node:os";
import process from "node:process";
import { logIndex, offset, term } from "../../core/ids.ts";
import { Log } from "../../core/log/log.ts";
import { encodeRecords } from "../../core/log/record.ts";
import { checkRecords } from "../../core/log/record_walk.ts";
import { createDisk } from "../../net/os/disk.ts";
import { createRandom } from "../../net/os/random.ts";

const RECORD_VALUE_BYTES = 128;
const RECORDS_PER_ENTRY = 1_000;
const ENTRIES_IN_FLIGHT = 32;
const APPEND_ENTRIES = 6_000;
const GIB = 1024 ** 3;

const options = {
  directory: argument("--dir") ?? "/tmp",
  random: createRandom(),
};
const root = `${options.directory}/proglog-bench-${Deno.pid}`;
const batch = makeBatch();

printMachine();
try {
  await benchAppend();
  await benchAppendEach();
  benchWalk();
  await benchOpen(Number(argument("--open-gib") ?? "1"));
} finally {
  await Deno.remove(root, { recursive: true });
}

function makeBatch(): Uint8Array {
  const value = new Uint8Array(RECORD_VALUE_BYTES).fill(0x61);
  return encodeRecords(
    Array.from({ length: RECORDS_PER_ENTRY }, () => ({ value })),
  );
}

function openLog(name: string) {
  const directory = `${root}/${name}`;
  const { random } = options;
  return Log.open({ disk: createDisk(), directory, random });
}

function appendBatch(log: Log): void {
  log.append({
    index: logIndex(log.lastIndex + 1),
    term: term(1),
    kind: "data",
    recordCount: RECORDS_PER_ENTRY,
    appendTimeMs: Date.now(),
    records: batch,
  });
}

/** Writing goes on while the previous write is made durable. */
async function benchAppend(): Promise<void> {
  const { log } = await openLog("append");
  const start = performance.now();
  const cpuBefore = process.cpuUsage();
  let syncing = Promise.resolve();
  for (let i = 0; i < APPEND_ENTRIES; i++) {
    appendBatch(log);
    if ((i + 1) % ENTRIES_IN_FLIGHT === 0) {
      await syncing;
      syncing = log.sync();
    }
  }
  await log.sync();
  const seconds = (performance.now() - start) / 1_000;
  report(`append+sync, ${ENTRIES_IN_FLIGHT} entries a sync`, {
    records: APPEND_ENTRIES * RECORDS_PER_ENTRY,
    bytes: log.sizeBytes,
    seconds,
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuSeconds = ((user + system) / 1e6).toFixed(2);
  console.log(
    `  (${seconds.toFixed(2)} s by the clock, ${cpuSeconds} s of CPU)`,
  );
  benchRead(log, { name: "read, cold cursor", bytesMax: 1024 * 1024 });
  benchRead(log, { name: "read, 1 MiB", bytesMax: 1024 * 1024 });
  benchRead(log, { name: "read, 256 KiB", bytesMax: 256 * 1024 });
  await log.close();
}

async function benchAppendEach(): Promise<void> {
  const { log } = await openLog("each");
  const entries = 1_000;
  const start = performance.now();
  for (let i = 0; i < entries; i++) {
    appendBatch(log);
    await log.sync();
  }
  const seconds = (performance.now() - start) / 1_000;
  report("append+sync, 1 entry a sync", {
    records: entries * RECORDS_PER_ENTRY,
    bytes: log.sizeBytes,
    seconds,
  });
  await log.close();
}

function benchRead(
  log: Log,
  { name, bytesMax }: { readonly name: string; readonly bytesMax: number },
): void {
  const start = performance.now();
  let next = log.lowestOffset;
  let bytes = 0;
  while (true) {
    const run = log.read({ offset: next, bytesMax, headroomBytes: 64 });
    if (!run.ok) break;
    bytes += run.records.length;
    next = offset(next + run.count);
  }
  const seconds = (performance.now() - start) / 1_000;
  report(name, { records: next - log.lowestOffset, bytes, seconds });
}

function benchWalk(): void {
  const rounds = 5_000;
  const start = performance.now();
  let records = 0;
  for (let i = 0; i < rounds; i++) {
    const check = checkRecords(batch);
    if (check.ok) records += check.count;
  }
  const seconds = (performance.now() - start) / 1_000;
  report("check records", { records, bytes: rounds * batch.length, seconds });
}

/** The writer is gone without a close: the lock file stays, no closed mark. */
async function benchOpen(gib: number): Promise<void> {
  if (!(gib > 0)) return;
  const { log } = await openLog("open");
  while (log.sizeBytes < gib * GIB) {
    for (let i = 0; i < 100; i++) appendBatch(log);
    await log.sync();
  }
  await log.close();
  const directory = `${root}/open`;
  await Deno.remove(`${directory}/closed`);
  const start = performance.now();
  const { log: reopened, recovery } = await openLog("open");
  const milliseconds = performance.now() - start;
  console.log(
    `open ${gib} GiB: ${milliseconds.toFixed(0)} ms, ` +
      `${reopened.segmentFacts().length} segments, ` +
      `${recovery.entriesScanned} entries scanned, ` +
      `${recovery.rewrittenBytes} bytes rewritten`,
  );
  await reopened.close();
}

function report(
  name: string,
  { records, bytes, seconds }: {
    readonly records: number;
    readonly bytes: number;
    readonly seconds: number;
  },
): void {
  const rate = Math.round(records / seconds).toLocaleString("en");
  const gigabytes = (bytes / seconds / 1e9).toFixed(2);
  console.log(`${name}: ${rate} records/s, ${gigabytes} GB/s`);
}

function printMachine(): void {
  const [cpu] = os.cpus();
  console.log(
    `${cpu?.model ?? "unknown CPU"}, ${os.cpus().length} cores, ` +
      `${Math.round(os.totalmem() / GIB)} GiB, ${Deno.build.target}, ` +
      `Deno ${Deno.version.deno}, load ${os.loadavg()[0]?.toFixed(1)}`,
  );
}

function argument(name: string): string | undefined {
  const at = Deno.args.indexOf(name);
  return at < 0 ? undefined : Deno.args[at + 1];
}
