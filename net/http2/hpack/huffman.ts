/**
 * The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B).
 * The code is canonical: within a length, codes count up with the symbol, and a
 * longer code starts where the shorter ones end. So the lengths are the code, and
 * the tables below are derived from them.
 */
import { assert } from "../../../core/assert.ts";

/** Bits per symbol 0 to 255, then the end-of-string symbol (appendix B). Permanent. */
// deno-fmt-ignore
const CODE_BITS = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
);
const END_OF_STRING = 256;
const CODE_BITS_MAX = 30;
const SHORT_BITS = 8;

interface HuffmanTables {
  /** Code of each symbol, right-aligned. */
  readonly codes: Uint32Array;
  /** Symbols in the order of their codes. */
  readonly symbols: Uint16Array;
  /** By length: code of the first symbol, its place in `symbols`, and one past the last code. */
  readonly firstCode: Uint32Array;
  readonly firstPlace: Uint16Array;
  readonly limitCode: Uint32Array;
  /** By the next eight bits: symbol * 16 + bits, or 0 where the code is longer. */
  readonly short: Uint16Array;
}

const tables = deriveTables();

function deriveTables(): HuffmanTables {
  const codes = new Uint32Array(257);
  const symbols = new Uint16Array(257);
  const firstCode = new Uint32Array(CODE_BITS_MAX + 1);
  const firstPlace = new Uint16Array(CODE_BITS_MAX + 1);
  const limitCode = new Uint32Array(CODE_BITS_MAX + 1);
  const short = new Uint16Array(1 << SHORT_BITS);
  let code = 0;
  let place = 0;
  for (let bits = 1; bits <= CODE_BITS_MAX; bits++) {
    code *= 2;
    firstCode[bits] = code;
    firstPlace[bits] = place;
    for (let symbol = 0; symbol <= END_OF_STRING; symbol++) {
      if (CODE_BITS[symbol] !== bits) continue;
      if (bits <= SHORT_BITS) {
        const spare = SHORT_BITS - bits;
        short.fill(symbol * 16 + bits, code << spare, (code + 1) << spare);
      }
      symbols[place++] = symbol;
      codes[symbol] = code++;
    }
    limitCode[bits] = code;
  }
  assert(code === 2 ** CODE_BITS_MAX, "The Huffman code must be complete");
  return { codes, symbols, firstCode, firstPlace, limitCode, short };
}

/** Bytes that `text` takes when encoded; other text than latin-1 is a bug of the caller. */
export function huffmanLength(text: string): number {
  let bits = 0;
  let seen = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    seen |= code;
    bits += CODE_BITS[code & 0xff]!;
  }
  assert(seen <= 0xff, "Header text must be latin-1");
  return (bits + 7) >>> 3;
}

/** Writes the code of `text` (latin-1), padded with ones; returns the next position. */
export function writeHuffman(
  into: Uint8Array,
  position: number,
  text: string,
): number {
  // Codes go in by at most 16 bits, so that they and 7 held bits fit an int32.
  let held = 0;
  let heldBits = 0;
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i);
    const code = tables.codes[symbol]!;
    let bits = CODE_BITS[symbol]!;
    while (bits > 0) {
      const step = Math.min(bits, 16);
      bits -= step;
      held = (held << step) | ((code >>> bits) & ((1 << step) - 1));
      heldBits += step;
      while (heldBits >= 8) {
        heldBits -= 8;
        into[position++] = held >>> heldBits;
      }
      held &= (1 << heldBits) - 1;
    }
  }
  if (heldBits > 0) {
    const spare = 8 - heldBits;
    into[position++] = (held << spare) | ((1 << spare) - 1);
  }
  return position;
}

/**
 * Decodes `from` to `end` into `into`, which has room for 8/5 of the input.
 * Returns the number of bytes, or -1 for a code of end-of-string, padding of
 * eight bits or more, or padding that is not ones (RFC 7541 section 5.2).
 */
export function readHuffman(
  bytes: Uint8Array,
  range: { from: number; end: number },
  into: Uint8Array,
): number {
  const { end } = range;
  const endBit = end * 8;
  let bit = range.from * 8;
  let count = 0;
  while (bit < endBit) {
    const at = bit >>> 3;
    const next = at + 1 < end ? bytes[at + 1]! : 0xff;
    const window = (((bytes[at]! << 8) | next) >>> (8 - (bit & 7))) & 0xff;
    const found = tables.short[window]!;
    if (found !== 0 && (found & 15) <= endBit - bit) {
      into[count++] = found >>> 4;
      bit += found & 15;
    } else if (endBit - bit < SHORT_BITS) {
      return window === 0xff ? count : -1;
    } else {
      const place = findLongCode(bytes, { bit, endBit, window });
      if (place === undefined || place.symbol === END_OF_STRING) return -1;
      into[count++] = place.symbol;
      bit = place.bit;
    }
  }
  return count;
}

/** A code of more than eight bits, of which `window` are the first; undefined if cut off. */
function findLongCode(
  bytes: Uint8Array,
  start: { bit: number; endBit: number; window: number },
): { symbol: number; bit: number } | undefined {
  let code = start.window;
  let bit = start.bit + SHORT_BITS;
  for (let bits = SHORT_BITS + 1; bits <= CODE_BITS_MAX; bits++) {
    if (bit >= start.endBit) return undefined;
    code = code * 2 + ((bytes[bit >>> 3]! >>> (7 - (bit & 7))) & 1);
    bit += 1;
    if (code < tables.limitCode[bits]!) {
      const place = tables.firstPlace[bits]! + code - tables.firstCode[bits]!;
      return { symbol: tables.symbols[place]!, bit };
    }
  }
  return undefined;
}
