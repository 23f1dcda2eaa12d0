/**
 * The bytes of an entry: round trips, limits, and the worked example of
 * docs/log_format.md byte for byte.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { allocateWindow, byteWindow } from "../../../core/bytes.ts";
import { logIndex, offset, term } from "../../../core/ids.ts";
import { decodeEntries } from "../../../core/log/decode_entries.ts";
import {
  checkEntry,
  checkPlacedEntry,
  durableIndexProvedBy,
  encodeEntry,
  encodeEntryAlone,
  ENTRY_HEADER_BYTES,
  entryLengthBytes,
  sealPlace,
} from "../../../core/log/entry.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
} from "../../../core/log/segment_header.ts";
import { recordsOf } from "./support/log_fixture.ts";

const SEED = 20_240;

const anyEntry = fc.record({
  index: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(logIndex),
  term: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(term),
  baseOffset: fc.integer({ min: 0, max: 2 ** 52 }).map(offset),
  appendTimeMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  codec: fc.constantFrom("none" as const, "zstd" as const),
  meta: fc.uint8Array({ maxLength: 40 }),
  records: fc.uint8Array({ maxLength: 200 }),
  kindAndCount: fc.oneof(
    fc.integer({ min: 1, max: 0xffff_ffff })
      .map((recordCount) => ({ kind: "data" as const, recordCount })),
    fc.constantFrom(
      "noop" as const,
      "configuration" as const,
      "control" as const,
    ).map((kind) => ({ kind, recordCount: 0 })),
  ),
}).map(({ kindAndCount, ...entry }) => ({ ...entry, ...kindAndCount }));

Deno.test("encodeEntry() and decodeEntries() are each other's inverse", () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 4 }), (entries) => {
      const window = allocateWindow(
        entries.reduce((sum, entry) => sum + entryLengthBytes(entry), 0),
      );
      let at = 0;
      for (const entry of entries) at += encodeEntry(entry, window, at);
      const decoded = decodeEntries(window.bytes);
      assert.ok(decoded.ok);
      const expected = entries.map((entry) => ({
        ...entry,
        lengthBytes: entryLengthBytes(entry),
        metaLengthBytes: entry.meta.length,
      }));
      assert.deepEqual(decoded.entries, expected);
    }),
    { seed: SEED },
  );
});

Deno.test("checkPlacedEntry() refuses every change of one byte", () => {
  fc.assert(
    fc.property(
      anyEntry,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (entry, anywhere, flip) => {
        const window = byteWindow(encodeEntryAlone(entry));
        const place = { salt: 0xdeadbeef, position: 72 };
        sealPlace(window, 0, { ...place, unsyncedEntries: 3 });
        const range = { at: 0, end: window.bytes.length };
        assert.ok(checkPlacedEntry(window, range, place).ok);
        const at = anywhere % window.bytes.length;
        window.bytes[at] = (window.bytes[at] ?? 0) ^ flip;
        assert.ok(!checkPlacedEntry(window, range, place).ok);
      },
    ),
    { seed: SEED },
  );
});

Deno.test("checkEntry() never throws on arbitrary bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.ok(!checkEntry(byteWindow(bytes), 0, bytes.length).ok);
    }),
    { seed: SEED },
  );
});

Deno.test("checkPlacedEntry() refuses an entry of another place or file", () => {
  const window = byteWindow(encodeEntryAlone(example()));
  sealPlace(window, 0, { salt: 5, position: 100, unsyncedEntries: 0 });
  const range = { at: 0, end: window.bytes.length };
  const reason = (salt: number, position: number) => {
    const check = checkPlacedEntry(window, range, { salt, position });
    return check.ok ? "ok" : check.reason;
  };
  assert.equal(reason(5, 100), "ok");
  assert.equal(reason(5, 101), "place");
  assert.equal(reason(6, 100), "place");
});

const FAULTS: readonly {
  readonly name: string;
  readonly at: number;
  readonly bytes: readonly number[];
  readonly reason: string;
}[] = [
  { name: "a wrong magic", at: 0, bytes: [0x71], reason: "magic" },
  { name: "version 2", at: 3, bytes: [2], reason: "magic" },
  {
    name: "a length below the header",
    at: 16,
    bytes: [0, 0, 0, 63],
    reason: "length",
  },
  {
    name: "a length above the limit",
    at: 16,
    bytes: [4, 0, 0, 1],
    reason: "length",
  },
  {
    name: "a length behind the end",
    at: 16,
    bytes: [0, 0, 9, 0],
    reason: "short",
  },
  { name: "a changed body", at: 70, bytes: [0xff], reason: "checksum" },
];

for (const { name, at, bytes, reason } of FAULTS) {
  Deno.test(`checkEntry() refuses ${name}`, () => {
    const window = byteWindow(encodeEntryAlone(example()));
    window.bytes.set(bytes, at);
    const check = checkEntry(window, 0, window.bytes.length);
    assert.deepEqual(check, { ok: false, reason });
  });
}

Deno.test("durableIndexProvedBy() is the index before the unsynced ones", () => {
  const window = byteWindow(encodeEntryAlone(example()));
  sealPlace(window, 0, { salt: 5, position: 100, unsyncedEntries: 4 });
  assert.equal(durableIndexProvedBy(window, 0), 5 - 1 - 4);
});

Deno.test("encodeEntry() refuses to write what checkEntry() would refuse", () => {
  const wrong = [
    { index: logIndex(0) },
    { term: term(0) },
    { recordCount: 0 },
    { kind: "noop" as const },
    { index: logIndex(2 ** 53) },
  ];
  for (const change of wrong) {
    assert.throws(() => encodeEntryAlone({ ...example(), ...change }));
  }
});

function example() {
  return {
    index: logIndex(5),
    term: term(2),
    kind: "data" as const,
    recordCount: 2,
    baseOffset: offset(3),
    appendTimeMs: 1_700_000_000_000,
    meta: new Uint8Array([0xab]),
    records: recordsOf(["hi", "you"]),
  };
}

Deno.test("docs/log_format.md shows the bytes that are written", async () => {
  const document = await Deno.readTextFile("docs/log_format.md");
  const window = byteWindow(encodeEntryAlone(example()));
  sealPlace(window, 0, { salt: 0x01020304, position: 72, unsyncedEntries: 1 });
  const header = encodeSegmentHeader({
    salt: 0x01020304,
    start: { index: logIndex(4), term: term(2), offset: offset(3) },
    durableIndex: logIndex(4),
    previousSizeBytes: 400,
    previousFirstIndex: logIndex(1),
    timeMaxBeforeMs: 1_699_999_999_999,
  });
  assert.deepEqual(hexBlock(document, "segment header"), [...header]);
  assert.deepEqual(hexBlock(document, "entry"), [...window.bytes]);
  assert.equal(window.bytes.length, ENTRY_HEADER_BYTES + 1 + 13);
});

/** The bytes of the block fenced as ```hex NAME, without its comments. */
function hexBlock(document: string, name: string): number[] {
  const block = document.split("```hex " + name + "\n")[1]?.split("```")[0];
  assert.ok(block !== undefined, `no hex block "${name}"`);
  const lines = block.split("\n").map((line) => line.split("#")[0] ?? "");
  return lines.join(" ").trim().split(/\s+/).map((byte) => parseInt(byte, 16));
}

Deno.test("decodeSegmentHeader() refuses every change of one byte", () => {
  const bytes = encodeSegmentHeader({
    salt: 9,
    start: { index: logIndex(4), term: term(2), offset: offset(3) },
    durableIndex: logIndex(4),
    previousSizeBytes: 400,
    previousFirstIndex: logIndex(1),
    timeMaxBeforeMs: 7,
  });
  assert.equal(decodeSegmentHeader(bytes)?.start.offset, 3);
  assert.equal(decodeSegmentHeader(bytes.subarray(1)), null);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = bytes.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    assert.equal(decodeSegmentHeader(damaged), null, `byte ${at}`);
  }
});
