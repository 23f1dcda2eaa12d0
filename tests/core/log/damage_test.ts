/**
 * Every single-byte damage of a small log is refused, cut where nothing proves
 * that it had been durable, found when it is read, or harmless. Wrong records
 * are never returned.
 */

import assert from "node:assert/strict";
import { isProglogError, ProglogError } from "../../../core/errors.ts";
import { logIndex } from "../../../core/ids.ts";
import type { MemoryDisk } from "../../support/memory_disk.ts";
import {
  appendCount,
  describeEntries,
  DIRECTORY,
  entryFor,
  newLog,
  openLog,
  readValues,
} from "./support/log_fixture.ts";

const CONFIG = { segmentBytesMax: 400 };

/** Three segments; every entry synced on its own; then closed or killed. */
async function smallLog(end: "closed" | "killed") {
  const { disk, log } = await newLog(CONFIG);
  for (let i = 0; i < 10; i++) {
    appendCount(log, 1);
    await log.sync();
  }
  const values = readValues(log);
  const entries = describeEntries(log);
  const segments = log.segmentFacts().length;
  if (end === "closed") await log.close();
  else disk.kill();
  return { disk, values, entries, segments };
}

function withDamage(disk: MemoryDisk, path: string, position: number) {
  const copy = disk.clone();
  const content = copy.contentOf(path);
  content[position] = (content[position] ?? 0) ^ 0x41;
  copy.put(path, content);
  return copy;
}

type Outcome = "refused" | "cut" | "found_when_read" | "harmless";

/** Opens and reads a damaged copy; throws if it returns anything wrong. */
async function outcomeOf(
  disk: MemoryDisk,
  expected: { readonly values: string[]; readonly entries: string[] },
): Promise<Outcome> {
  try {
    const { log, recovery } = await openLog(disk, CONFIG);
    const values = readValues(log);
    const entries = describeEntries(log);
    assert.deepEqual(values, expected.values.slice(0, values.length));
    assert.deepEqual(entries, expected.entries.slice(0, entries.length));
    await log.close();
    if (recovery.cut === null) {
      assert.equal(values.length, expected.values.length);
      return "harmless";
    }
    assert.ok(recovery.cutBytes > 0);
    assert.equal(values.length, expected.values.length - 1);
    return "cut";
  } catch (error) {
    if (!isProglogError(error, "corrupt")) throw error;
    assert.equal(typeof error.details["file"], "string");
    assert.equal(typeof error.details["position"], "number");
    return error.message.includes("had been durable") ||
        error.stack?.includes("recovery.ts")
      ? "refused"
      : "found_when_read";
  }
}

for (const end of ["closed", "killed"] as const) {
  Deno.test(`Log.open() never believes a damaged byte (${end})`, async () => {
    const { disk, segments, ...expected } = await smallLog(end);
    assert.equal(segments, 3);
    const counts = { refused: 0, cut: 0, found_when_read: 0, harmless: 0 };
    for (const path of disk.paths()) {
      const size = disk.contentOf(path).length;
      for (let position = 0; position < size; position++) {
        const copy = withDamage(disk, path, position);
        const outcome = await outcomeOf(copy, expected);
        counts[outcome] += 1;
        if (!path.endsWith(".segment")) assert.equal(outcome, "harmless");
        else assert.notEqual(outcome, "harmless", `${path} at ${position}`);
      }
    }
    assert.ok(counts.refused > 0 && counts.found_when_read > 0);
    const lastEntryBytes = 71;
    if (end === "closed") assert.equal(counts.cut, 0);
    else assert.equal(counts.cut, lastEntryBytes);
  });
}

Deno.test("Log.open() refuses damage before a synced entry, with file and position", async () => {
  const { disk, log } = await newLog();
  appendCount(log, 1);
  const position = log.sizeBytes;
  await log.sync();
  appendCount(log, 1);
  await log.sync();
  appendCount(log, 1);
  disk.kill();
  const file = disk.paths().find((path) => path.endsWith(".segment")) ?? "";
  await assert.rejects(openLog(withDamage(disk, file, position + 68)), {
    code: "corrupt",
    details: { file, position },
  });
});

Deno.test("Log.open() cuts entries that were never synced, also whole ones behind the damage", async () => {
  const { disk, log } = await newLog();
  appendCount(log, 2);
  await log.sync();
  const position = log.sizeBytes;
  appendCount(log, 5);
  disk.kill();
  const file = disk.paths().find((path) => path.endsWith(".segment")) ?? "";
  const damaged = withDamage(disk, file, position + 30);
  const { log: reopened, recovery } = await openLog(damaged);
  assert.equal(reopened.lastIndex, 2);
  assert.equal(recovery.cut?.position, position);
  assert.equal(recovery.cutBytes, log.sizeBytes - position);
  appendCount(reopened, 1);
  assert.deepEqual(readValues(reopened), ["v1", "v2", "v3"]);
});

Deno.test("Log.open() cuts what a record only pretends to be an entry", async () => {
  const { disk, log } = await newLog();
  appendCount(log, 1);
  await log.sync();
  const other = await newLog();
  appendCount(other.log, 9);
  await other.log.sync();
  appendCount(other.log, 1);
  const fake = other.log.entriesFrom({
    from: other.log.lastIndex,
    bytesMax: 1,
    countMax: 1,
  });
  const position = log.sizeBytes;
  log.append(entryFor(log, [], {
    kind: "noop",
    records: fake?.bytes ?? new Uint8Array(),
  }));
  disk.kill();
  const file = disk.paths().find((path) => path.endsWith(".segment")) ?? "";
  const { recovery } = await openLog(withDamage(disk, file, position + 8));
  assert.equal(recovery.cut?.position, position);
});

Deno.test("Log.open() refuses to end below what the caller knows was durable", async () => {
  const { disk, log } = await newLog();
  appendCount(log, 3);
  await log.sync();
  disk.kill();
  const file = disk.paths().find((path) => path.endsWith(".segment")) ?? "";
  disk.put(file, disk.contentOf(file).subarray(0, -5));
  await assert.rejects(
    openLog(disk.clone(), {}, { durableIndexMin: log.lastIndex }),
    (error) => error instanceof ProglogError && error.code === "corrupt",
  );
  const { log: reopened } = await openLog(disk.clone());
  assert.equal(reopened.lastIndex, 2);
});

Deno.test("Log.open() refuses a missing segment in the middle", async () => {
  const { disk } = await smallLog("closed");
  const [, second] = disk.paths().filter((path) => path.endsWith(".segment"));
  assert.ok(second);
  disk.remove(second);
  await assert.rejects(openLog(disk, CONFIG), { code: "corrupt" });
});

Deno.test("Log.open() refuses a sealed segment that was cut short", async () => {
  const { disk } = await smallLog("killed");
  const [first] = disk.paths().filter((path) => path.endsWith(".segment"));
  assert.ok(first);
  disk.put(first, disk.contentOf(first).subarray(0, -70));
  await assert.rejects(openLog(disk, CONFIG), { code: "corrupt" });
});

Deno.test("Log.open() refuses a foreign file by name", async () => {
  const { disk } = await smallLog("closed");
  disk.put(`${DIRECTORY}/0.store`, new Uint8Array(8));
  await assert.rejects(openLog(disk), /not ours: 0\.store/);
});

Deno.test("Log rebuilds an index that is missing, short or of other bytes", async () => {
  for (const damage of ["remove", "shorten", "foreign"] as const) {
    const { disk, values } = await smallLog("closed");
    const indexes = disk.paths().filter((path) => path.endsWith(".index"));
    assert.equal(indexes.length, 2);
    for (const path of indexes) {
      const content = disk.contentOf(path);
      if (damage === "remove") disk.remove(path);
      else if (damage === "shorten") disk.put(path, content.subarray(0, -1));
      else disk.put(path, new Uint8Array(content.length));
    }
    const { log } = await openLog(disk, CONFIG);
    assert.deepEqual(readValues(log), values);
    assert.equal(log.termAt(logIndex(2)), 1);
    assert.equal(log.termAt(logIndex(6)), 1);
    await log.close();
    for (const path of indexes) assert.ok(disk.contentOf(path).length > 24);
  }
});
