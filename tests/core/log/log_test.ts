/**
 * The log on a disk that works: appending, reading by offset, index and time,
 * rolling, truncating, dropping, resetting, replicating.
 */

import assert from "node:assert/strict";
import { logIndex, offset, term } from "../../../core/ids.ts";
import { planRetention } from "../../../core/log/retention.ts";
import { decodeRecords } from "../../../core/log/record_walk.ts";
import { verifyLogFiles } from "../../../core/log/verify.ts";
import { dumpLogFiles } from "../../../core/log/dump.ts";
import {
  appendCount,
  appendEntries,
  describeEntries,
  DIRECTORY,
  entryFor,
  newLog,
  openLog,
  readValues,
  recordsOf,
} from "./support/log_fixture.ts";

const SMALL = { segmentBytesMax: 400 };

Deno.test("Log tells an empty log from one with a record", async () => {
  const { log } = await newLog();
  assert.deepEqual(
    [log.firstIndex, log.lastIndex, log.lowestOffset, log.nextOffset],
    [1, 0, 0, 0],
  );
  appendCount(log, 1);
  assert.deepEqual(
    [log.firstIndex, log.lastIndex, log.lowestOffset, log.nextOffset],
    [1, 1, 0, 1],
  );
});

Deno.test("append() gives offsets to data entries only", async () => {
  const { log } = await newLog();
  assert.equal(log.append(entryFor(log, ["a", "b"])), 0);
  log.append(entryFor(log, [], { kind: "noop" }));
  log.append(entryFor(log, [], {
    kind: "configuration",
    meta: new Uint8Array([1, 2]),
  }));
  assert.equal(log.append(entryFor(log, ["c"])), 2);
  assert.deepEqual(describeEntries(log), [
    "1 1 data 0 a,b",
    "2 1 noop 2 ",
    "3 1 configuration 2 ",
    "4 1 data 2 c",
  ]);
  assert.deepEqual(readValues(log), ["a", "b", "c"]);
});

Deno.test("append() refuses an index that leaves a gap and a term that falls", async () => {
  const { log } = await newLog();
  log.append(entryFor(log, ["a"], { term: term(3) }));
  assert.throws(() => log.append(entryFor(log, ["b"], { index: logIndex(3) })));
  assert.throws(() => log.append(entryFor(log, ["b"], { term: term(2) })));
  assert.equal(log.lastIndex, 1);
});

Deno.test("read() joins the records of a run of entries", async () => {
  const { log } = await newLog();
  appendEntries(log, [["a", "b"], ["c"], ["d", "e", "f"]]);
  const run = log.read({ offset: offset(0), bytesMax: 1_000 });
  assert.ok(run.ok);
  assert.equal(run.count, 6);
  assert.deepEqual(run.records, recordsOf(["a", "b", "c", "d", "e", "f"]));
});

Deno.test("read() begins in the middle of an entry", async () => {
  const { log } = await newLog();
  appendEntries(log, [["a", "b", "c"], ["d"]]);
  const run = log.read({ offset: offset(2), bytesMax: 1_000 });
  assert.ok(run.ok);
  assert.equal(run.baseOffset, 2);
  assert.deepEqual(run.records, recordsOf(["c", "d"]));
});

Deno.test("read() leaves the headroom that was asked for in front of the records", async () => {
  const { log } = await newLog();
  appendEntries(log, [["a", "b"], ["c"]]);
  const headroomBytes = 500;
  const run = log.read({ offset: offset(1), bytesMax: 1_000, headroomBytes });
  assert.ok(run.ok);
  assert.ok(run.records.byteOffset >= headroomBytes);
  new Uint8Array(run.records.buffer, run.records.byteOffset - headroomBytes)
    .fill(0, 0, headroomBytes);
  assert.deepEqual(run.records, recordsOf(["b", "c"]));
});

const LIMITS: readonly {
  readonly name: string;
  readonly limit: { limitOffset?: number; limitIndex?: number };
  readonly values: readonly string[] | "at_end";
}[] = [
  {
    name: "an offset limit on an entry border",
    limit: { limitOffset: 3 },
    values: ["a", "b", "c"],
  },
  {
    name: "an offset limit in an entry",
    limit: { limitOffset: 1 },
    values: ["a"],
  },
  {
    name: "an offset limit behind the end",
    limit: { limitOffset: 99 },
    values: ["a", "b", "c", "d"],
  },
  {
    name: "an offset limit at the first",
    limit: { limitOffset: 0 },
    values: "at_end",
  },
  { name: "an index limit", limit: { limitIndex: 2 }, values: ["a", "b"] },
  {
    name: "an index limit at the first",
    limit: { limitIndex: 1 },
    values: "at_end",
  },
];

for (const { name, limit, values } of LIMITS) {
  Deno.test(`read() returns nothing at or above ${name}`, async () => {
    const { log } = await newLog();
    appendEntries(log, [["a", "b"], ["c"], ["d"]]);
    const run = log.read({
      offset: offset(0),
      bytesMax: 1_000,
      ...(limit.limitOffset === undefined
        ? {}
        : { limitOffset: offset(limit.limitOffset) }),
      ...(limit.limitIndex === undefined
        ? {}
        : { limitIndex: logIndex(limit.limitIndex) }),
    });
    if (values === "at_end") {
      assert.deepEqual(run, { ok: false, reason: "at_end" });
    } else {
      assert.ok(run.ok);
      assert.deepEqual(run.records, recordsOf(values));
    }
  });
}

Deno.test("read() returns an entry above bytesMax whole, or split on a record border", async () => {
  const { log } = await newLog();
  appendEntries(log, [["aaaa", "bbbb", "cccc"]]);
  const whole = log.read({ offset: offset(0), bytesMax: 1 });
  assert.ok(whole.ok && whole.count === 3);
  const split = log.read({
    offset: offset(0),
    bytesMax: 20,
    oversized: "split",
  });
  assert.ok(split.ok);
  assert.deepEqual(split.records, recordsOf(["aaaa", "bbbb"]));
  const one = log.read({ offset: offset(2), bytesMax: 1, oversized: "split" });
  assert.ok(one.ok);
  assert.deepEqual(one.records, recordsOf(["cccc"]));
});

Deno.test("read() ends a run where the term changes", async () => {
  const { log } = await newLog();
  log.append(entryFor(log, ["a"], { term: term(1) }));
  log.append(entryFor(log, ["b"], { term: term(2) }));
  const first = log.read({ offset: offset(0), bytesMax: 1_000 });
  const second = log.read({ offset: offset(1), bytesMax: 1_000 });
  assert.ok(first.ok && second.ok);
  assert.deepEqual([first.count, first.term], [1, 1]);
  assert.deepEqual([second.count, second.term], [1, 2]);
});

Deno.test("read() returns compressed records as an entry of their own", async () => {
  const { log } = await newLog();
  appendEntries(log, [["a"]]);
  const records = new Uint8Array([0x28, 0xb5, 0x2f, 0xfd]);
  log.append(entryFor(log, ["b", "c"], { codec: "zstd", records }));
  appendEntries(log, [["d"]]);
  const runs = [0, 2, 3].map((at) =>
    log.read({ offset: offset(at), bytesMax: 1_000 })
  );
  assert.deepEqual(
    runs.map((run) => run.ok && [run.baseOffset, run.count, run.codec]),
    [[0, 1, "none"], [1, 2, "zstd"], [3, 1, "none"]],
  );
  assert.ok(runs[1]?.ok);
  assert.deepEqual(runs[1].records, records);
});

Deno.test("read() goes on over segment borders and after a roll behind its back", async () => {
  const { log } = await newLog(SMALL);
  appendCount(log, 4);
  assert.deepEqual(readValues(log), ["v1", "v2", "v3", "v4"]);
  appendCount(log, 9);
  assert.equal(log.segmentFacts().length, 4);
  const run = log.read({ offset: offset(4), bytesMax: 8 });
  assert.ok(run.ok && run.baseOffset === 4);
  assert.equal(readValues(log).length, 13);
});

Deno.test("read() finds every offset of many segments, after a restart too", async () => {
  const { disk, log } = await newLog({ segmentBytesMax: 200_000 });
  for (let i = 0; i < 400; i++) {
    appendEntries(log, [[
      `${2 * i}`.padEnd(1_000),
      `${2 * i + 1}`.padEnd(999),
    ]]);
  }
  await log.sync();
  await log.close();
  const { log: reopened } = await openLog(disk);
  for (let at = 799; at >= 0; at -= 7) {
    const run = reopened.read({ offset: offset(at), bytesMax: 5_000 });
    assert.ok(run.ok && run.baseOffset === at);
    const [first] = decodeRecords(run.records);
    assert.equal(Number(new TextDecoder().decode(first?.value)), at);
  }
});

Deno.test("offsetAtTime() finds the first entry at or after a time, also where clocks jump", async () => {
  const { log } = await newLog(SMALL);
  const times = [10, 20, 20, 15, 40, 30, 50, 45, 60, 70, 70, 80];
  times.forEach((appendTimeMs) =>
    log.append(entryFor(log, ["x"], { appendTimeMs }))
  );
  assert.ok(log.segmentFacts().length > 2);
  for (let timeMs = 0; timeMs <= 90; timeMs++) {
    const found = times.findIndex((time) => time >= timeMs);
    assert.equal(log.offsetAtTime(timeMs), found < 0 ? times.length : found);
  }
});

Deno.test("entriesFrom() and appendRaw() make an equal log elsewhere", async () => {
  const { log } = await newLog(SMALL);
  appendCount(log, 12);
  log.append(entryFor(log, [], { kind: "noop", term: term(4) }));
  const follower = await newLog({ segmentBytesMax: 300 });
  while (follower.log.lastIndex < log.lastIndex) {
    const range = log.entriesFrom({
      from: logIndex(follower.log.lastIndex + 1),
      bytesMax: 250,
      countMax: 10,
    });
    assert.ok(range);
    const result = follower.log.appendRaw(range.bytes);
    assert.deepEqual(result, {
      ok: true,
      count: range.count,
      lastIndex: range.lastIndex,
    });
  }
  await follower.log.sync();
  assert.deepEqual(describeEntries(follower.log), describeEntries(log));
  await follower.log.close();
  const { log: reopened } = await openLog(follower.disk);
  assert.deepEqual(describeEntries(reopened), describeEntries(log));
});

Deno.test("appendRaw() appends nothing of bytes with a fault in them", async () => {
  const { log } = await newLog();
  appendCount(log, 3);
  const range = log.entriesFrom({
    from: logIndex(1),
    bytesMax: 1_000,
    countMax: 3,
  });
  assert.ok(range);
  const follower = await newLog();
  const damaged = range.bytes.slice();
  damaged[damaged.length - 1] = 0xff;
  assert.deepEqual(follower.log.appendRaw(damaged), {
    ok: false,
    reason: "checksum",
    position: 140,
  });
  assert.deepEqual(follower.log.appendRaw(range.bytes.slice(70)), {
    ok: false,
    reason: "order",
    position: 0,
  });
  assert.equal(follower.log.lastIndex, 0);
});

Deno.test("entriesFrom() keeps to its bounds", async () => {
  const { log } = await newLog();
  appendCount(log, 5);
  const count = (bytesMax: number, countMax: number, limit = 99) =>
    log.entriesFrom({
      from: logIndex(2),
      bytesMax,
      countMax,
      limitIndex: logIndex(limit),
    })?.count;
  assert.equal(count(1, 10), 1);
  assert.equal(count(150, 10), 2);
  assert.equal(count(10_000, 3), 3);
  assert.equal(count(10_000, 10), 4);
  assert.equal(count(10_000, 10, 4), 2);
  assert.equal(count(10_000, 10, 2), undefined);
});

Deno.test("termAt() knows every entry and the point before the first", async () => {
  const { disk, log } = await newLog(SMALL);
  const terms = [1, 1, 2, 2, 2, 5, 5, 6, 6, 6, 6, 9];
  terms.forEach((value) =>
    log.append(entryFor(log, ["x"], { term: term(value) }))
  );
  await log.sync();
  await log.dropBefore(logIndex(6));
  const first = log.firstIndex;
  assert.equal(first, 5);
  await log.close();
  const { log: reopened } = await openLog(disk, SMALL);
  for (let index = first - 1; index <= terms.length; index++) {
    assert.equal(reopened.termAt(logIndex(index)), terms[index - 1]);
  }
  assert.equal(reopened.termAt(logIndex(first - 2)), null);
  assert.equal(reopened.termAt(logIndex(terms.length + 1)), null);
});

Deno.test("truncateFrom() keeps entries below the index", async () => {
  for (let index = 1; index <= 13; index++) {
    const { disk, log } = await newLog(SMALL);
    appendCount(log, 12);
    await log.truncateFrom(logIndex(index));
    assert.equal(log.lastIndex, Math.min(12, index - 1));
    appendCount(log, 2);
    await log.sync();
    const expected = readValues(log);
    assert.equal(expected.length, Math.min(12, index - 1) + 2);
    await log.close();
    const { log: reopened } = await openLog(disk, SMALL);
    assert.deepEqual(readValues(reopened), expected);
  }
});

Deno.test("truncateFrom() keeps appends out until it is durable", async () => {
  const { log } = await newLog();
  appendCount(log, 3);
  const truncated = log.truncateFrom(logIndex(2));
  assert.throws(() => appendCount(log, 1));
  await truncated;
  appendCount(log, 1);
});

Deno.test("dropBefore() drops whole segments and keeps the rest readable", async () => {
  const { disk, log } = await newLog(SMALL);
  appendCount(log, 13);
  await log.sync();
  assert.equal(await log.dropBefore(logIndex(8)), 1);
  assert.deepEqual([log.firstIndex, log.lowestOffset], [5, 4]);
  assert.deepEqual(
    log.read({ offset: offset(3), bytesMax: 100 }),
    { ok: false, reason: "before_start" },
  );
  assert.equal(await log.dropBefore(logIndex(99)), 2);
  await log.close();
  const { log: reopened } = await openLog(disk, SMALL);
  assert.deepEqual(readValues(reopened), ["v13"]);
  assert.deepEqual(reopened.startPoint, { index: 12, term: 1, offset: 12 });
});

Deno.test("resetTo() leaves an empty log that starts at the point", async () => {
  const { disk, log } = await newLog(SMALL);
  appendCount(log, 13);
  const point = { index: logIndex(6), term: term(3), offset: offset(100) };
  await log.resetTo(point);
  assert.deepEqual(log.startPoint, point);
  assert.deepEqual(log.endPoint, point);
  assert.equal(log.termAt(logIndex(6)), 3);
  assert.equal(log.append(entryFor(log, ["new"])), 100);
  await log.sync();
  await log.close();
  const { log: reopened } = await openLog(disk, SMALL);
  assert.deepEqual(describeEntries(reopened), ["7 3 data 100 new"]);
});

Deno.test("append() rolls by age as its entries tell it", async () => {
  const { log } = await newLog({ segmentAgeMaxMs: 100 });
  for (const appendTimeMs of [0, 50, 99, 100, 150, 200]) {
    log.append(entryFor(log, ["x"], { appendTimeMs }));
  }
  assert.deepEqual(log.segmentFacts().map((fact) => fact.lastIndex), [3, 5, 6]);
});

Deno.test("Log holds a bounded number of files open", async () => {
  const { disk, log } = await newLog({ segmentBytesMax: 100 });
  appendCount(log, 200);
  await log.sync();
  assert.equal(readValues(log).length, 200);
  assert.ok(disk.openFiles < 70, `${disk.openFiles} open`);
  await log.close();
  assert.equal(disk.openFiles, 0);
});

Deno.test("Log.open() refuses a directory that is open", async () => {
  const { disk } = await newLog();
  await assert.rejects(openLog(disk), { code: "locked" });
});

Deno.test("Log.open() scans no more than the last two segments", async () => {
  const { disk, log } = await newLog({ segmentBytesMax: 10_000 });
  for (let i = 0; i < 100; i++) {
    appendCount(log, 10);
    await log.sync();
  }
  const entriesPerSegment = 10_000 / 70;
  disk.kill();
  const { recovery } = await openLog(disk);
  assert.equal(recovery.cut, null);
  assert.ok(recovery.entriesScanned <= 2 * entriesPerSegment);
});

const facts = [1, 2, 3, 4].map((number) => ({
  firstIndex: logIndex(number * 10 - 9),
  startOffset: offset(number * 10 - 10),
  lastIndex: logIndex(number * 10),
  sizeBytes: 100,
  timeMaxMs: number * 1_000,
}));

const RETENTION: readonly {
  readonly name: string;
  readonly bytesMax: number | null;
  readonly ageMaxMs: number | null;
  readonly keepFrom: number;
  readonly dropBefore: number;
}[] = [
  {
    name: "nothing without bounds",
    bytesMax: null,
    ageMaxMs: null,
    keepFrom: 99,
    dropBefore: 1,
  },
  {
    name: "what is over the size",
    bytesMax: 250,
    ageMaxMs: null,
    keepFrom: 99,
    dropBefore: 21,
  },
  {
    name: "nothing at exactly the size",
    bytesMax: 400,
    ageMaxMs: null,
    keepFrom: 99,
    dropBefore: 1,
  },
  {
    name: "what is too old",
    bytesMax: null,
    ageMaxMs: 2_500,
    keepFrom: 99,
    dropBefore: 21,
  },
  {
    name: "nothing that is still needed",
    bytesMax: 0,
    ageMaxMs: null,
    keepFrom: 15,
    dropBefore: 11,
  },
  {
    name: "never the active segment",
    bytesMax: 0,
    ageMaxMs: 0,
    keepFrom: 99,
    dropBefore: 31,
  },
];

for (const { name, bytesMax, ageMaxMs, keepFrom, dropBefore } of RETENTION) {
  Deno.test(`planRetention() drops ${name}`, () => {
    const plan = planRetention(facts, {
      policy: { bytesMax, ageMaxMs },
      nowMs: 5_000,
      keepFrom: logIndex(keepFrom),
    });
    assert.equal(plan, dropBefore);
  });
}

Deno.test("verifyLogFiles() counts a whole log and names damage in any segment", async () => {
  const { disk, log } = await newLog(SMALL);
  appendCount(log, 13);
  await log.close();
  const whole = verifyLogFiles(disk, DIRECTORY);
  assert.deepEqual(
    [whole.segments, whole.entries, whole.records, whole.damage.length],
    [4, 13, 13, 0],
  );
  assert.deepEqual([whole.firstIndex, whole.lastIndex, whole.nextOffset], [
    1,
    13,
    13,
  ]);
  const file = `${DIRECTORY}/00000000000000000005.segment`;
  const content = disk.contentOf(file);
  content[72 + 70 + 66] = 0xff;
  disk.put(file, content);
  assert.deepEqual(verifyLogFiles(disk, DIRECTORY).damage, [{
    kind: "damage",
    file,
    position: 142,
    reason: "its checksum does not match",
  }]);
});

Deno.test("dumpLogFiles() shows each segment, entry and record", async () => {
  const { disk, log } = await newLog();
  appendEntries(log, [["a", "b"]]);
  await log.close();
  const lines = [...dumpLogFiles(disk, DIRECTORY)];
  assert.deepEqual(lines.map((line) => line["kind"]), [
    "segment",
    "entry",
    "record",
    "record",
  ]);
  assert.deepEqual(lines[3], { kind: "record", offset: 1, value: "b" });
});
