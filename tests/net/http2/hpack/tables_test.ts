/** Encoder and decoder together: tables stay in step, remembered blocks stay right. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { HpackDecoder } from "../../../../net/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../../net/http2/hpack/encoder.ts";
import type { HeaderField, HeaderList } from "../../../../net/http2/mod.ts";
import { REQUEST_HEAD } from "../support/pair.ts";
import { fromHex, toHex } from "./hex.ts";

const LIMITS = { tableBytes: 4_096, listMaxBytes: 65_536, fieldsMax: 100 };

function encode(encoder: HpackEncoder, headers: HeaderList): Uint8Array {
  const into = new Uint8Array(HpackEncoder.boundBytes(headers));
  return into.subarray(0, encoder.encode(headers, into, 0));
}

function decode(decoder: HpackDecoder<never>, bytes: Uint8Array): HeaderList {
  const result = decoder.decode(bytes, 0, bytes.length);
  assert.ok(result.kind === "list", "The block must decode");
  return result.block.headers;
}

const name = fc.constantFrom(
  ":path",
  "a",
  "b",
  "grpc-timeout",
  "authorization",
  "x-long-name",
);
const value = fc.oneof(
  fc.constantFrom("", "1", "two", "application/grpc"),
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 300 })
    .map((codes) => String.fromCharCode(...codes)),
);
const list = fc.array(fc.tuple(name, value), { maxLength: 8 });

/** Lists come again by identity, change in place, and the table changes under them. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      which: fc.nat(4),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("change" as const),
      which: fc.nat(4),
      field: fc.tuple(name, value),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("resize" as const),
      bytes: fc.constantFrom(0, 40, 200, 4_096, 9_000),
    }),
  },
);

Deno.test("decode() gives every list that encode() wrote, in any order and table size", () => {
  fc.assert(
    fc.property(
      fc.array(list, { minLength: 5, maxLength: 5 }),
      fc.array(step, { maxLength: 60 }),
      (lists, steps) => {
        const encoder = new HpackEncoder({ capacityMaxBytes: 4_096 });
        const decoder = new HpackDecoder<never>(LIMITS);
        const own: HeaderField[][] = lists.map((fields) => [...fields]);
        for (const step of steps) {
          if (step.kind === "resize") encoder.setPeerCapacity(step.bytes);
          else if (step.kind === "change") own[step.which]!.push(step.field);
          else {
            const headers = own[step.which]!;
            assert.deepEqual(
              decode(decoder, encode(encoder, headers)),
              headers,
            );
          }
          assert.ok(encoder.tableSizeBytes <= 4_096);
        }
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("encode() writes a repeated request head in a few bytes", () => {
  const encoder = new HpackEncoder({ capacityMaxBytes: 4_096 });
  const first = encode(encoder, REQUEST_HEAD).length;
  const second = encode(encoder, [...REQUEST_HEAD]).length;
  assert.ok(first > 40);
  assert.equal(second, REQUEST_HEAD.length);
});

Deno.test("encode() indexes only the name of a field that changes with each call", () => {
  const encoder = new HpackEncoder({ capacityMaxBytes: 4_096 });
  for (let call = 0; call < 100; call++) {
    encode(encoder, [["grpc-timeout", `${100 + call}m`]]);
  }
  assert.equal(
    encoder.tableSizeBytes,
    "grpc-timeout".length + "100m".length + 32,
  );
});

Deno.test("encode() keeps a name with ever new values from flushing the table", () => {
  const encoder = new HpackEncoder({ capacityMaxBytes: 4_096 });
  encode(encoder, REQUEST_HEAD);
  for (let call = 0; call < 1_000; call++) {
    encode(encoder, [["x-request-id", `00000000-${call}`]]);
  }
  assert.equal(encode(encoder, [...REQUEST_HEAD]).length, REQUEST_HEAD.length);
});

Deno.test("encode() marks secrets never indexed, each time", () => {
  const encoder = new HpackEncoder({ capacityMaxBytes: 4_096, text: "plain" });
  const secret: HeaderList = [["authorization", "s"]];
  for (let call = 0; call < 4; call++) {
    assert.equal(toHex(encode(encoder, secret)), "1f080173");
  }
  assert.equal(encoder.tableSizeBytes, 0);
});

Deno.test("decode() recalls a block only while the table is the same", () => {
  const decoder = new HpackDecoder<never>(LIMITS);
  const add = (text: string) =>
    decode(
      decoder,
      fromHex(`4001${toHex(new TextEncoder().encode("k"))}01${text}`),
    );
  add("61");
  const block = fromHex("be");
  for (let time = 0; time < 3; time++) {
    assert.deepEqual(decode(decoder, block), [["k", "a"]]);
  }
  assert.equal(decode(decoder, block), decode(decoder, block));
  add("62");
  assert.deepEqual(decode(decoder, block), [["k", "b"]]);
});

const BROKEN = [
  { name: "index 0", hex: "80" },
  { name: "an index past the table", hex: "be" },
  { name: "a name index past the table", hex: "7e0161" },
  { name: "a name that is cut off", hex: "400361" },
  { name: "a value that is missing", hex: "400161" },
  { name: "a table size over the setting", hex: "3fe21f" },
  { name: "a table size after a field", hex: "8220" },
  { name: "three table sizes", hex: "202020" },
  { name: "an integer that is cut off", hex: "ff" },
  { name: "a broken Huffman code", hex: "400161820000" },
];

for (const { name, hex } of BROKEN) {
  Deno.test(`decode() refuses ${name}`, () => {
    const decoder = new HpackDecoder<never>(LIMITS);
    const bytes = fromHex(hex);
    const result = decoder.decode(bytes, 0, bytes.length);
    assert.equal(result.kind, "broken");
  });
}

Deno.test("decode() reads a list over its limits to the end, and keeps the table", () => {
  const decoder = new HpackDecoder<never>({ ...LIMITS, listMaxBytes: 40 });
  const bytes = fromHex("4001610178 4001620179".replaceAll(" ", ""));
  assert.equal(decoder.decode(bytes, 0, bytes.length).kind, "too_large");
  assert.deepEqual(decode(decoder, fromHex("bf")), [["a", "x"]]);
});

Deno.test("decode() wants a smaller table confirmed once our SETTINGS are acknowledged", () => {
  const decoder = new HpackDecoder<never>({ ...LIMITS, tableBytes: 0 });
  const get = fromHex("82");
  assert.equal(decoder.decode(get, 0, 1).kind, "list");
  decoder.settingsAcknowledged();
  assert.equal(decoder.decode(get, 0, 1).kind, "broken");
  assert.deepEqual(decode(decoder, fromHex("2082")), [[":method", "GET"]]);
});

Deno.test("decode() empties the table for an entry larger than all of it", () => {
  const decoder = new HpackDecoder<never>(LIMITS);
  decode(decoder, fromHex("4001610178")); // a: x
  decode(decoder, fromHex("3f0b" + "400a" + "62".repeat(10) + "0163")); // 42 bytes at most
  assert.equal(decoder.tableSizeBytes, 0);
  decode(decoder, fromHex("4001610178"));
  assert.deepEqual(decode(decoder, fromHex("be")), [["a", "x"]]);
});

Deno.test("encode() tells the smallest table size and the last one", () => {
  const encoder = new HpackEncoder({ capacityMaxBytes: 4_096 });
  encode(encoder, REQUEST_HEAD);
  encoder.setPeerCapacity(0);
  encoder.setPeerCapacity(100);
  encoder.setPeerCapacity(4_096);
  assert.equal(toHex(encode(encoder, [[":method", "GET"]])), "203fe11f82");
  assert.equal(encoder.tableSizeBytes, 0);
});

Deno.test("encode() takes text that is not latin-1 for a bug", () => {
  for (const text of ["huffman", "plain"] as const) {
    const encoder = new HpackEncoder({ capacityMaxBytes: 4_096, text });
    assert.throws(() => encode(encoder, [["a", "\u20ac"]]), /latin-1/);
  }
});
