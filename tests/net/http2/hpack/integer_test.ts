/** HPACK integers: RFC 7541 appendix C.1, bounds, and round trips. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  INTEGER_MAX,
  readInteger,
  writeInteger,
} from "../../../../net/http2/hpack/integer.ts";
import { fromHex, toHex } from "./hex.ts";

function read(hex: string, prefixBits: number): number {
  const bytes = fromHex(hex);
  return readInteger({ bytes, position: 0, end: bytes.length }, prefixBits);
}

const EXAMPLES = [
  { name: "C.1.1: 10 in 5 bits", prefixBits: 5, value: 10, hex: "0a" },
  { name: "C.1.2: 1337 in 5 bits", prefixBits: 5, value: 1337, hex: "1f9a0a" },
  { name: "C.1.3: 42 in 8 bits", prefixBits: 8, value: 42, hex: "2a" },
  { name: "a full prefix", prefixBits: 5, value: 31, hex: "1f00" },
];

for (const { name, prefixBits, value, hex } of EXAMPLES) {
  Deno.test(`readInteger() and writeInteger() agree with ${name}`, () => {
    assert.equal(read(hex, prefixBits), value);
    const into = new Uint8Array(8);
    const end = writeInteger(into, 0, { prefixBits, first: 0 }, value);
    assert.equal(toHex(into.subarray(0, end)), hex);
  });
}

const REFUSED = [
  { name: "nothing", hex: "" },
  { name: "a cut off integer", hex: "1f9a" },
  { name: "a value above the maximum", hex: "1fffffffff7f" },
  { name: "zeros without end", hex: "1f8080808080808080808000" },
];

for (const { name, hex } of REFUSED) {
  Deno.test(`readInteger() refuses ${name}`, () => {
    assert.equal(read(hex, 5), -1);
  });
}

Deno.test("readInteger() reads back every value that writeInteger() wrote", () => {
  fc.assert(fc.property(
    fc.integer({ min: 0, max: INTEGER_MAX }),
    fc.integer({ min: 1, max: 8 }),
    (value, prefixBits) => {
      const into = new Uint8Array(8);
      const end = writeInteger(into, 0, { prefixBits, first: 0 }, value);
      const cursor = { bytes: into, position: 0, end };
      assert.equal(readInteger(cursor, prefixBits), value);
      assert.equal(cursor.position, end);
    },
  ));
});
