/** A reset for which there is no room. */
import assert from "node:assert/strict";
import { logIndex, offset, term } from "../../../core/ids.ts";
import {
  appendCount,
  entryFor,
  newLog,
  readValues,
} from "./support/log_fixture.ts";

Deno.test("resetTo() without room leaves the log at work, and may be tried again", async () => {
  const { disk, log } = await newLog();
  appendCount(log, 3);
  await log.sync();
  disk.capacityBytes = 0;
  disk.capacityBytes = -disk.freeBytes("/") + 10;
  const start = { index: logIndex(9), term: term(2), offset: offset(7) };
  await assert.rejects(log.resetTo(start), { code: "disk_full" });
  assert.deepEqual(readValues(log), ["v1", "v2", "v3"]);
  disk.capacityBytes = Infinity;
  appendCount(log, 1);
  await log.sync();
  assert.equal(log.lastIndex, 4);
  await log.resetTo(start);
  log.append(entryFor(log, ["new"], { term: term(2) }));
  assert.deepEqual(readValues(log), ["new"]);
  assert.equal(log.nextOffset, 8);
  await log.close();
});
