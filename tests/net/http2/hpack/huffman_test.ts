/** The Huffman code: known codes of RFC 7541 appendix B, padding rules, round trips. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  huffmanLength,
  readHuffman,
  writeHuffman,
} from "../../../../net/http2/hpack/huffman.ts";
import { fromHex, toHex } from "./hex.ts";

function encode(text: string): Uint8Array {
  const into = new Uint8Array(huffmanLength(text));
  assert.equal(writeHuffman(into, 0, text), into.length);
  return into;
}

function decode(bytes: Uint8Array): string | undefined {
  const into = new Uint8Array(Math.ceil(bytes.length * 8 / 5));
  const count = readHuffman(bytes, { from: 0, end: bytes.length }, into);
  if (count < 0) return undefined;
  return String.fromCharCode(...into.subarray(0, count));
}

/** Lowest and highest codes of appendix B, padded with ones. */
const KNOWN = [
  { text: "0", hex: "07" }, // 00000
  { text: "t", hex: "4f" }, // 01001
  { text: " ", hex: "53" }, // 010100
  { text: "\x00", hex: "ffc7" }, // 11111111 11000
  { text: "~", hex: "ffef" }, // 11111111 11101
  { text: "\xff", hex: "fffffbbf" }, // 26 bits
  { text: "\n", hex: "fffffff3" }, // 30 bits ending in 00
  { text: "\x16", hex: "fffffffb" }, // 30 bits ending in 10
];

for (const { text, hex } of KNOWN) {
  Deno.test(`writeHuffman() writes ${JSON.stringify(text)} as ${hex}`, () => {
    assert.equal(toHex(encode(text)), hex.slice(0, huffmanLength(text) * 2));
    assert.equal(decode(encode(text)), text);
  });
}

const REFUSED = [
  { name: "the end-of-string code", hex: "ffffffff" },
  { name: "a whole byte of padding", hex: "07ff" },
  { name: "padding with a zero", hex: "06" },
  { name: "a code that is cut off", hex: "ffff" },
];

for (const { name, hex } of REFUSED) {
  Deno.test(`readHuffman() refuses ${name}`, () => {
    assert.equal(decode(fromHex(hex)), undefined);
  });
}

Deno.test("readHuffman() reads back every text that writeHuffman() wrote", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(fc.property(fc.array(byte, { maxLength: 100 }), (codes) => {
    const text = String.fromCharCode(...codes);
    assert.equal(decode(encode(text)), text);
  }));
});

Deno.test("writeHuffman() has a code of its own for each of the 256 characters", () => {
  for (let code = 0; code < 256; code++) {
    const text = String.fromCharCode(code).repeat(3) + "a";
    assert.equal(decode(encode(text)), text);
  }
});
