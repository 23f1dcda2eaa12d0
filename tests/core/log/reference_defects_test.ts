/**
 * Defects of the reference's log that were found by reading it, each as a test
 * that it would fail. The numbers are those of the project's list of defects.
 */

import assert from "node:assert/strict";
import { logIndex } from "../../../core/ids.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import {
  appendCount,
  appendEntries,
  entryFor,
  newLog,
  openLog,
  readValues,
} from "./support/log_fixture.ts";

Deno.test("defect 1: a restart does not duplicate data", async () => {
  const { disk, log } = await newLog();
  appendCount(log, 3);
  await log.close();
  for (let restart = 0; restart < 3; restart++) {
    const { log: reopened } = await openLog(disk);
    assert.deepEqual(readValues(reopened), ["v1", "v2", "v3"]);
    assert.deepEqual([reopened.lastIndex, reopened.nextOffset], [3, 3]);
    await reopened.close();
  }
});

Deno.test("defect 4: what sync() acknowledged survives a power loss, and before that nothing is promised", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const { disk, log } = await newLog({ segmentBytesMax: 300 });
    appendCount(log, 7);
    await log.sync();
    assert.equal(log.durableIndex, 7);
    appendCount(log, 5);
    assert.equal(log.durableIndex, 7);
    disk.crash(seededRandom(seed));
    const { log: reopened } = await openLog(disk);
    const values = readValues(reopened);
    assert.ok(values.length >= 7);
    assert.deepEqual(values, values.map((_, i) => `v${i + 1}`));
  }
});

Deno.test("defect 5: an unclean stop does not corrupt the index, nor the offsets after it", async () => {
  const { disk, log } = await newLog({ segmentBytesMax: 1_000 });
  appendCount(log, 40);
  await log.sync();
  disk.kill();
  for (const path of disk.paths().filter((path) => path.endsWith(".index"))) {
    const grown = new Uint8Array(1_024);
    grown.set(disk.contentOf(path));
    disk.put(path, grown);
  }
  const { log: reopened } = await openLog(disk, { segmentBytesMax: 1_000 });
  assert.equal(reopened.nextOffset, 40);
  assert.equal(reopened.append(entryFor(reopened, ["v41"])), 40);
  assert.equal(reopened.termAt(logIndex(3)), 1);
  assert.equal(readValues(reopened).length, 41);
});

Deno.test("defect 6: tiny records never wedge a segment", async () => {
  const { log } = await newLog({ segmentBytesMax: 1_024 });
  for (let i = 0; i < 500; i++) appendEntries(log, [[""]]);
  await log.sync();
  assert.equal(log.nextOffset, 500);
  assert.equal(readValues(log).length, 500);
  const sizes = log.segmentFacts().map(({ sizeBytes }) => sizeBytes);
  assert.ok(sizes.every((sizeBytes) => sizeBytes <= 1_024));
});
