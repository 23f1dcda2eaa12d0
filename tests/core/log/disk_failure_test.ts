/**
 * The disk fails at the first operation of each public operation, then at the
 * second, and so on until it succeeds. Afterwards the log can be read, and what
 * was durable is there when it is opened again.
 */

import assert from "node:assert/strict";
import { isProglogError } from "../../../core/errors.ts";
import { logIndex, offset, term } from "../../../core/ids.ts";
import type { Log } from "../../../core/log/log.ts";
import { MemoryDisk } from "../../support/memory_disk.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import {
  appendCount,
  entryFor,
  newLog,
  openLog,
  readValues,
  recordsOf,
} from "./support/log_fixture.ts";

const CONFIG = { segmentBytesMax: 400 };
const OPERATIONS_MAX = 200;

interface Operation {
  readonly name: string;
  run(log: Log): unknown;
  /** How many of the 10 synced entries must survive a failure. */
  readonly keeps: number;
}

const other = await newLog();
appendCount(other.log, 14);
const raw = other.log.entriesFrom({
  from: logIndex(11),
  bytesMax: 10_000,
  countMax: 10,
});

const OPERATIONS: Operation[] = [
  { name: "append", keeps: 10, run: (log) => appendCount(log, 1) },
  { name: "append over a roll", keeps: 10, run: (log) => appendCount(log, 9) },
  {
    name: "appendRaw",
    keeps: 10,
    run: (log) => log.appendRaw(raw?.bytes.slice() ?? new Uint8Array()),
  },
  {
    name: "sync",
    keeps: 10,
    run: (log) => {
      appendCount(log, 7);
      return log.sync();
    },
  },
  {
    name: "truncateFrom",
    keeps: 2,
    run: (log) => log.truncateFrom(logIndex(3)),
  },
  { name: "dropBefore", keeps: 10, run: (log) => log.dropBefore(logIndex(10)) },
  {
    name: "resetTo",
    keeps: 0,
    run: (log) =>
      log.resetTo({ index: logIndex(50), term: term(2), offset: offset(70) }),
  },
  { name: "close", keeps: 10, run: (log) => log.close() },
  { name: "read", keeps: 10, run: (log) => readValues(log) },
  { name: "termAt", keeps: 10, run: (log) => log.termAt(logIndex(2)) },
  { name: "offsetAtTime", keeps: 10, run: (log) => log.offsetAtTime(1_003) },
];

async function tenEntries(): Promise<MemoryDisk> {
  const { disk, log } = await newLog(CONFIG);
  for (let i = 0; i < 10; i++) {
    appendCount(log, 1);
    await log.sync();
  }
  disk.crash(seededRandom(1));
  return disk;
}

/** Fails operation 1, 2, ... of `run`; returns how many there were. */
async function failEach(
  run: (failAt: number) => Promise<"failed" | "done">,
): Promise<number> {
  for (let failAt = 1; failAt <= OPERATIONS_MAX; failAt++) {
    if (await run(failAt) === "done") return failAt - 1;
  }
  throw new Error("It never succeeded");
}

for (const { name, run, keeps } of OPERATIONS) {
  Deno.test(`Log survives every disk failure in: ${name}`, async () => {
    const start = await tenEntries();
    const count = await failEach(async (failAt) => {
      const disk = start.clone();
      const { log } = await openLog(disk, CONFIG);
      disk.operationCount = 0;
      disk.failOperation = failAt;
      let outcome: "failed" | "done" = "done";
      try {
        await run(log);
      } catch (error) {
        if (!isProglogError(error, "disk_failed")) throw error;
        outcome = "failed";
      }
      const failed = disk.operationCount >= failAt;
      disk.failOperation = Infinity;
      await checkSurvivors(disk, failAt, keeps);
      return failed || outcome === "failed" ? "failed" : "done";
    });
    assert.ok(count > 0, "it used no disk");
  });
}

async function checkSurvivors(
  disk: MemoryDisk,
  seed: number,
  keeps: number,
): Promise<void> {
  disk.crash(seededRandom(seed));
  const { log } = await openLog(disk, CONFIG);
  assert.ok(log.lastIndex >= keeps, `ends at ${log.lastIndex}`);
  if (log.firstIndex > 50) return;
  const expected = Array.from(
    { length: log.lastIndex - log.firstIndex + 1 },
    (_, i) => `v${log.firstIndex + i}`,
  );
  assert.deepEqual(readValues(log), expected);
  appendCount(log, 1);
  await log.sync();
}

Deno.test("Log.open() survives every disk failure in itself", async () => {
  const start = await tenEntries();
  const count = await failEach(async (failAt) => {
    const disk = start.clone();
    disk.failOperation = failAt;
    let outcome: "failed" | "done" = "done";
    try {
      await openLog(disk, CONFIG);
    } catch (error) {
      if (!isProglogError(error, "disk_failed")) throw error;
      outcome = "failed";
      assert.equal(disk.openFiles, 0, "it left files open");
    }
    const failed = disk.operationCount >= failAt;
    disk.failOperation = Infinity;
    await checkSurvivors(disk, failAt, 10);
    return failed || outcome === "failed" ? "failed" : "done";
  });
  assert.ok(count > 10);
});

Deno.test("append() after disk_full continues where the log ended", async () => {
  const { disk, log } = await newLog();
  appendCount(log, 2);
  await log.sync();
  const sizeBytes = log.sizeBytes;
  disk.capacityBytes = sizeBytes + 30;
  assert.throws(() => appendCount(log, 1), { code: "disk_full" });
  assert.equal(log.isPoisoned, false);
  assert.equal(log.lastIndex, 2);
  assert.equal(log.sizeBytes, sizeBytes);
  assert.deepEqual(readValues(log), ["v1", "v2"]);
  assert.equal(disk.contentOf(disk.paths().at(0) ?? "").length, sizeBytes);
  disk.capacityBytes = Infinity;
  appendCount(log, 1);
  await log.sync();
  disk.crash(seededRandom(3));
  const { log: reopened, recovery } = await openLog(disk);
  assert.equal(recovery.cutBytes, 0);
  assert.deepEqual(readValues(reopened), ["v1", "v2", "v3"]);
});

Deno.test("append() whose torn bytes cannot be cut poisons the log", async () => {
  const { disk, log } = await newLog();
  appendCount(log, 2);
  await log.sync();
  disk.capacityBytes = log.sizeBytes + 30;
  disk.countedKinds = ["write"];
  disk.failOperation = disk.operationCount + 2;
  assert.throws(() => appendCount(log, 1), { code: "disk_full" });
  assert.equal(log.isPoisoned, true);
  assert.deepEqual(readValues(log), ["v1", "v2"]);
  await assert.rejects(log.sync(), { code: "disk_failed" });
  await assert.rejects(log.close(), { code: "disk_failed" });
  disk.capacityBytes = Infinity;
  const { log: reopened, recovery } = await openLog(disk);
  assert.equal(recovery.cutBytes, 30);
  assert.deepEqual(readValues(reopened), ["v1", "v2"]);
});

Deno.test("sync() that failed poisons the log, and reopening makes durable what is seen", async () => {
  const { disk, log } = await newLog();
  appendCount(log, 2);
  await log.sync();
  appendCount(log, 2);
  disk.countedKinds = ["sync"];
  disk.failOperation = disk.operationCount + 1;
  await assert.rejects(log.sync(), { code: "disk_failed" });
  assert.equal(log.durableIndex, 2);
  assert.throws(() => appendCount(log, 1), { code: "disk_failed" });
  await assert.rejects(log.sync(), { code: "disk_failed" });
  await assert.rejects(log.close(), { code: "disk_failed" });
  const { log: reopened, recovery } = await openLog(disk);
  assert.equal(reopened.lastIndex, 4);
  assert.ok(recovery.rewrittenBytes > 0);
  disk.crash(seededRandom(5));
  const { log: again } = await openLog(disk);
  assert.deepEqual(readValues(again), ["v1", "v2", "v3", "v4"]);
});

Deno.test("sync() covers what was appended before it, and nothing that came during it", async () => {
  const { disk, log } = await newLog();
  let letGo = () => {};
  disk.beforeSync = () => new Promise((resolve) => letGo = resolve);
  appendCount(log, 1);
  const first = log.sync();
  appendCount(log, 1);
  const second = log.sync();
  letGo();
  await first;
  assert.equal(log.durableIndex, 1);
  disk.beforeSync = () => Promise.resolve();
  letGo();
  await second;
  assert.equal(log.durableIndex, 2);
});

Deno.test("append() over a full disk at a roll leaves no half segment", async () => {
  const { disk, log } = await newLog({ segmentBytesMax: 100 });
  appendCount(log, 1);
  await log.sync();
  disk.capacityBytes = log.sizeBytes + 10;
  assert.throws(() => log.append(entryFor(log, ["x"])), { code: "disk_full" });
  disk.capacityBytes = Infinity;
  log.append(entryFor(log, ["x"], { records: recordsOf(["x"]) }));
  await log.sync();
  await log.close();
  const { log: reopened } = await openLog(disk);
  assert.deepEqual(readValues(reopened), ["v1", "x"]);
});
