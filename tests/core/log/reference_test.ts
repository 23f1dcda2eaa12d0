/**
 * The tests of the reference's log package, by their names, against our log.
 * Where its parts (store, index) have no twin here, the assertion is made on
 * the part that does their work.
 */

import assert from "node:assert/strict";
import { logIndex, offset } from "../../../core/ids.ts";
import { SparseIndex } from "../../../core/log/offset_index.ts";
import { decodeEntries } from "../../../core/log/decode_entries.ts";
import { decodeRecords } from "../../../core/log/record_walk.ts";
import {
  appendEntries,
  DIRECTORY,
  entryFor,
  newLog,
  openLog,
  readValues,
} from "./support/log_fixture.ts";

const HELLO = "hello world";
/** An entry with the one record "hello world": header, tags and lengths, value. */
const HELLO_ENTRY_BYTES = 64 + 4 + HELLO.length;
const SEGMENT_HEADER_BYTES = 72;

Deno.test("TestStoreAppendRead", async () => {
  const { disk, log } = await newLog();
  for (let i = 1; i <= 3; i++) {
    appendEntries(log, [[HELLO]]);
    assert.equal(log.sizeBytes, SEGMENT_HEADER_BYTES + HELLO_ENTRY_BYTES * i);
  }
  assert.deepEqual(readValues(log), [HELLO, HELLO, HELLO]);
  await log.close();
  const { log: reopened } = await openLog(disk);
  assert.deepEqual(readValues(reopened), [HELLO, HELLO, HELLO]);
});

Deno.test("TestStoreClose", async () => {
  const { disk, log } = await newLog();
  const path = `${DIRECTORY}/00000000000000000001.segment`;
  const before = disk.contentOf(path).length;
  appendEntries(log, [[HELLO]]);
  await log.close();
  assert.ok(disk.contentOf(path).length > before);
});

Deno.test("TestIndex", () => {
  const index = new SparseIndex();
  assert.equal(index.floorOfOffset(offset(0)), null);
  const header = (at: number) => ({
    lengthBytes: 70_000,
    kind: "data" as const,
    codec: "none" as const,
    index: logIndex(at + 1),
    term: 1 as never,
    baseOffset: offset(at),
    appendTimeMs: at,
    recordCount: 1,
    metaLengthBytes: 0,
  });
  index.note(header(0), 72, 0);
  index.note(header(1), 70_072, 0);
  assert.equal(index.floorOfOffset(offset(0))?.position, 72);
  assert.equal(index.floorOfOffset(offset(1))?.position, 70_072);
  assert.equal(index.floorOfOffset(offset(2))?.position, 70_072);
  const coverage = { salt: 3, segmentSizeBytes: 140_072 };
  const reopened = SparseIndex.decode(index.encode(coverage), coverage);
  assert.equal(reopened?.floorOfOffset(offset(9))?.offset, 1);
  const other = { salt: 4, segmentSizeBytes: 140_072 };
  assert.equal(SparseIndex.decode(index.encode(coverage), other), null);
});

Deno.test("TestSegment", async () => {
  const config = {
    segmentBytesMax: SEGMENT_HEADER_BYTES + 3 * HELLO_ENTRY_BYTES,
  };
  const { disk, log } = await newLog(config);
  await log.resetTo({
    index: logIndex(16),
    term: 1 as never,
    offset: offset(16),
  });
  assert.equal(log.nextOffset, 16);
  for (let i = 0; i < 3; i++) {
    assert.equal(log.append(entryFor(log, [HELLO])), 16 + i);
    assert.equal(log.segmentFacts().length, 1);
  }
  assert.deepEqual(readValues(log), [HELLO, HELLO, HELLO]);
  await log.close();
  const { log: reopened } = await openLog(disk, config);
  assert.equal(reopened.append(entryFor(reopened, [HELLO])), 19);
  assert.equal(reopened.segmentFacts().length, 2);
});

Deno.test("TestLog/append and read", async () => {
  const { log } = await newLog();
  assert.equal(log.append(entryFor(log, [HELLO])), 0);
  assert.deepEqual(readValues(log), [HELLO]);
});

Deno.test("TestLog/offset out of range", async () => {
  const { log } = await newLog();
  assert.deepEqual(log.read({ offset: offset(1), bytesMax: 100 }), {
    ok: false,
    reason: "at_end",
  });
});

Deno.test("TestLog/init with existing segments", async () => {
  const { disk, log } = await newLog({ segmentBytesMax: 150 });
  appendEntries(log, [[HELLO], [HELLO], [HELLO]]);
  await log.close();
  assert.deepEqual([log.lowestOffset, log.nextOffset], [0, 3]);
  const { log: reopened } = await openLog(disk);
  assert.deepEqual([reopened.lowestOffset, reopened.nextOffset], [0, 3]);
  assert.equal(reopened.append(entryFor(reopened, [HELLO])), 3);
});

Deno.test("TestLog/reader", async () => {
  const { log } = await newLog();
  appendEntries(log, [[HELLO]]);
  const range = log.entriesFrom({
    from: logIndex(1),
    bytesMax: 1_000,
    countMax: 1,
  });
  assert.ok(range);
  const decoded = decodeEntries(range.bytes);
  assert.ok(decoded.ok);
  const [record] = decodeRecords(decoded.entries[0]?.records ?? range.bytes);
  assert.equal(new TextDecoder().decode(record?.value), HELLO);
});

Deno.test("TestLog/truncate", async () => {
  const { log } = await newLog({ segmentBytesMax: 150 });
  appendEntries(log, [[HELLO], [HELLO], [HELLO]]);
  await log.sync();
  await log.dropBefore(logIndex(2));
  assert.deepEqual(log.read({ offset: offset(0), bytesMax: 100 }), {
    ok: false,
    reason: "before_start",
  });
  assert.ok(log.read({ offset: offset(1), bytesMax: 100 }).ok);
});
