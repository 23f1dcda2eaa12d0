/**
 * Reads with any offset, size, limit and segment size, against a list of values.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { logIndex, offset, term } from "../../../core/ids.ts";
import { decodeRecords } from "../../../core/log/record_walk.ts";
import { entryFor, newLog } from "./support/log_fixture.ts";

const SEED = 20_242;
const text = new TextDecoder();

const anyEntry = fc.record({
  values: fc.array(fc.string({ maxLength: 30 }), { maxLength: 6 }),
  newTerm: fc.boolean(),
});
const anyRead = fc.record({
  offset: fc.nat(80),
  bytesMax: fc.nat(300),
  limitOffset: fc.nat(80),
  limitIndex: fc.integer({ min: 1, max: 30 }),
  headroomBytes: fc.nat(100),
  oversized: fc.constantFrom("whole" as const, "split" as const),
});

Deno.test("read() returns what was appended, whatever is asked for", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 100, max: 1_500 }),
      fc.array(anyEntry, { maxLength: 25 }),
      fc.array(anyRead, { minLength: 1, maxLength: 12 }),
      async (segmentBytesMax, entries, reads) => {
        const { log } = await newLog({ segmentBytesMax });
        const model: { value: string; term: number; index: number }[] = [];
        for (const { values, newTerm } of entries) {
          const entry = entryFor(log, values, {
            kind: values.length === 0 ? "noop" : "data",
            term: term(Math.max(1, log.lastTerm) + (newTerm ? 1 : 0)),
          });
          log.append(entry);
          const { index, term: entryTerm } = entry;
          model.push(
            ...values.map((value) => ({ value, term: entryTerm, index })),
          );
        }
        for (const read of reads) {
          const readable = model.filter(({ index }, at) =>
            at < read.limitOffset && index < read.limitIndex
          );
          const run = log.read({
            ...read,
            offset: offset(read.offset),
            limitOffset: offset(read.limitOffset),
            limitIndex: logIndex(read.limitIndex),
          });
          if (!run.ok) {
            assert.ok(read.offset >= readable.length);
            continue;
          }
          assert.equal(run.baseOffset, read.offset);
          assert.ok(run.count >= 1);
          assert.ok(run.records.byteOffset >= read.headroomBytes);
          const expected = readable.slice(read.offset, read.offset + run.count);
          const values = decodeRecords(run.records)
            .map(({ value }) => text.decode(value));
          assert.deepEqual(values, expected.map(({ value }) => value));
          assert.ok(expected.every((record) => record.term === run.term));
          if (read.oversized === "split" && run.count > 1) {
            assert.ok(run.records.length <= read.bytesMax);
          }
        }
      },
    ),
    { seed: SEED, numRuns: 300 },
  );
});
