/**
 * Records as bytes: what is encoded is read back, and
 * what is no record is refused with its place.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { concatBytes } from "../../../core/bytes.ts";
import { encodeRecords, type NewRecord } from "../../../core/log/record.ts";
import {
  checkRecords,
  decodeRecord,
  decodeRecords,
  RecordCursor,
  skipRecords,
} from "../../../core/log/record_walk.ts";

const SEED = 20_241;
const PLAIN = { noNullPrototype: true } as const;
const bytes = fc.uint8Array({ maxLength: 200 });
const anyRecord = fc.record({
  value: bytes,
  key: bytes,
  headers: fc.array(
    fc.record({ name: fc.string({ unit: "grapheme" }), value: bytes }, PLAIN),
    {
      maxLength: 3,
    },
  ),
  timestampMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  type: fc.integer({ min: 0, max: 0xffff_ffff }),
}, PLAIN);

Deno.test("encodeRecords() and decodeRecords() are each other's inverse", () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 5 }), (records) => {
      const encoded = encodeRecords(records);
      assert.deepEqual(checkRecords(encoded), {
        ok: true,
        count: records.length,
      });
      assert.deepEqual(decodeRecords(encoded), records);
    }),
    { seed: SEED },
  );
});

Deno.test("skipRecords() finds where each record begins", () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1 }), (records) => {
      const encoded = encodeRecords(records);
      records.forEach((record, i) => {
        const at = skipRecords(encoded, 0, i);
        assert.deepEqual(decodeRecord(encoded, at), record);
      });
      const end = skipRecords(encoded, 0, records.length);
      assert.equal(end, encoded.length);
    }),
    { seed: SEED },
  );
});

Deno.test("encodeRecords() of two batches is their bytes joined", () => {
  const [a, b] = [text("one"), text("two")];
  const joined = concatBytes([encodeRecords([a]), encodeRecords([b])]);
  assert.deepEqual(encodeRecords([a, b]), joined);
});

Deno.test("checkRecords() never throws and counts what it accepts", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...TEMPTING)), (parts) => {
      const encoded = new Uint8Array(parts.flat());
      const check = checkRecords(encoded);
      if (!check.ok) assert.ok(check.position <= encoded.length);
      else {
        assert.equal(decodeRecords(encoded).length, check.count);
        assert.equal(skipRecords(encoded, 0, check.count), encoded.length);
      }
    }),
    { seed: SEED, numRuns: 2_000 },
  );
});

const TEMPTING: number[][] = [
  [0x5a],
  [0x5a, 0],
  [0x5a, 2],
  [0x5a, 4, 0x0a, 2, 1, 2],
  [0x0a],
  [0x12, 1, 1],
  [0x60, 0x80],
  [0xff],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0],
  [0x09, 1, 2, 3, 4, 5, 6, 7, 8],
];

const REFUSED: readonly {
  readonly name: string;
  readonly bytes: readonly number[];
  readonly reason: string;
  readonly position: number;
}[] = [
  {
    name: "another field",
    bytes: [0x0a, 0],
    reason: "not_a_record",
    position: 0,
  },
  {
    name: "a record cut short",
    bytes: [0x5a, 3, 0x0a, 1],
    reason: "truncated",
    position: 0,
  },
  { name: "a lone tag", bytes: [0x5a], reason: "truncated", position: 0 },
  {
    name: "a value past its record",
    bytes: [0x5a, 2, 0x0a, 1, 7],
    reason: "truncated",
    position: 2,
  },
  {
    name: "an endless varint",
    bytes: [0x5a, 11, 0x60, ...Array(10).fill(0x80)],
    reason: "truncated",
    position: 2,
  },
  {
    name: "an offset",
    bytes: [0x5a, 2, 0x10, 1],
    reason: "server_field",
    position: 2,
  },
  {
    name: "a term",
    bytes: [0x5a, 0, 0x5a, 2, 0x18, 1],
    reason: "server_field",
    position: 4,
  },
  {
    name: "a value as a number",
    bytes: [0x5a, 2, 0x08, 1],
    reason: "wire_type",
    position: 2,
  },
  { name: "a group", bytes: [0x5a, 1, 0x6b], reason: "wire_type", position: 2 },
  {
    name: "field number 0",
    bytes: [0x5a, 2, 0x02, 0],
    reason: "wire_type",
    position: 2,
  },
  {
    name: "a header past its record",
    bytes: [0x5a, 4, 0x5a, 2, 0x0a, 9],
    reason: "truncated",
    position: 2,
  },
];

for (const { name, bytes, reason, position } of REFUSED) {
  Deno.test(`checkRecords() refuses ${name}`, () => {
    const check = checkRecords(new Uint8Array(bytes));
    assert.deepEqual(check, { ok: false, reason, position });
  });
}

const ACCEPTED: readonly {
  readonly name: string;
  readonly bytes: readonly number[];
  readonly count: number;
}[] = [
  { name: "nothing", bytes: [], count: 0 },
  { name: "empty records", bytes: [0x5a, 0, 0x5a, 0], count: 2 },
  {
    name: "a field of a later version",
    bytes: [0x5a, 3, 0x6a, 1, 5],
    count: 1,
  },
  {
    name: "a fixed field of a later version",
    bytes: [0x5a, 5, 0x6d, 1, 2, 3, 4],
    count: 1,
  },
  { name: "a length in a longer form", bytes: [0x5a, 0x80, 0], count: 1 },
];

for (const { name, bytes, count } of ACCEPTED) {
  Deno.test(`checkRecords() accepts ${name}`, () => {
    const check = checkRecords(new Uint8Array(bytes));
    assert.deepEqual(check, { ok: true, count });
  });
}

Deno.test("RecordCursor tells where value and key lie", () => {
  const records = encodeRecords([{ ...text("value"), key: text("k").value }]);
  const cursor = new RecordCursor(records);
  assert.ok(cursor.next());
  assert.deepEqual(
    records.subarray(cursor.valueStart, cursor.valueEnd),
    text("value").value,
  );
  assert.deepEqual(
    records.subarray(cursor.keyStart, cursor.keyEnd),
    text("k").value,
  );
  assert.equal(cursor.end, records.length);
  assert.ok(!cursor.next());
});

function text(value: string): NewRecord {
  return { value: new TextEncoder().encode(value) };
}
