/**
 * LZW as Go's compress/lzw writes it: least significant bit first, 8-bit
 * literals, codes of 9 to 12 bits, 256 = clear, 257 = end, no leading clear.
 * (memberlist-wire section 4; vectors in the tests.)
 */

const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const WIDTH_FIRST = 9;
const WIDTH_MAX = 12;
const CODES_MAX = 1 << WIDTH_MAX;
const CODE_LAST = CODES_MAX - 1;

const TABLE_SLOTS = 1 << 14;
const TABLE_MASK = TABLE_SLOTS - 1;

/** Compresses all of `input`. */
export function lzwCompress(input: Uint8Array): Uint8Array {
  const out = new BitWriter(input.length);
  const table = new Uint32Array(TABLE_SLOTS);
  let width = WIDTH_FIRST;
  let lastCode = END;

  /** Counts one code given out; true means that the table was cleared. */
  function count(): boolean {
    lastCode++;
    if (lastCode === 1 << width) width++;
    if (lastCode !== CODE_LAST) return false;
    out.write(CLEAR, width);
    width = WIDTH_FIRST;
    lastCode = END;
    table.fill(0);
    return true;
  }

  if (input.length === 0) {
    // Go writes the end alone when nothing was ever written.
    out.write(END, width);
    return out.finish();
  }
  let code = input[0]!;
  for (let i = 1; i < input.length; i++) {
    const literal = input[i]!;
    const key = (code << 8) | literal;
    const slot = findSlot(table, key);
    const entry = table[slot]!;
    if (entry !== 0) {
      code = entry & CODE_LAST;
      continue;
    }
    out.write(code, width);
    code = literal;
    if (!count()) table[slot] = ((key + 1) << WIDTH_MAX) | lastCode;
  }
  out.write(code, width);
  count();
  out.write(END, width);
  return out.finish();
}

/**
 * The bytes that `input` stands for, or undefined if it is damaged, ends early
 * or stands for more than `lengthMax` bytes.
 */
export function lzwDecompress(
  input: Uint8Array,
  lengthMax: number,
): Uint8Array | undefined {
  const codes = new BitReader(input);
  const decoder = new Decoder(lengthMax, input.length);
  while (true) {
    const code = codes.read(decoder.width);
    if (code === undefined) return undefined;
    if (code === END) return decoder.finish();
    if (code === CLEAR) decoder.clear();
    else if (!decoder.take(code)) return undefined;
  }
}

/** The table of strings, each a code and one more byte, and the output. */
class Decoder {
  width = WIDTH_FIRST;
  readonly #prefix = new Uint16Array(CODES_MAX);
  readonly #suffix = new Uint8Array(CODES_MAX);
  readonly #stack = new Uint8Array(CODES_MAX);
  readonly #lengthMax: number;
  #out: Uint8Array<ArrayBuffer>;
  #length = 0;
  /** The code that the next entry will have. */
  #next = FIRST_FREE;
  #previous = -1;

  constructor(lengthMax: number, inputLength: number) {
    this.#lengthMax = lengthMax;
    this.#out = new Uint8Array(Math.min(lengthMax, 64 + 4 * inputLength));
  }

  finish(): Uint8Array {
    return this.#out.subarray(0, this.#length);
  }

  clear(): void {
    this.width = WIDTH_FIRST;
    this.#next = FIRST_FREE;
    this.#previous = -1;
  }

  /** Puts out the string of `code`; false if there is none, or no room. */
  take(code: number): boolean {
    // The one code that may come before its entry is the next: then its
    // string is the previous one and that one's own first byte.
    const isNext = code === this.#next;
    if (code > this.#next || (isNext && this.#previous < 0)) return false;
    const depth = this.#unwind(isNext ? this.#previous : code, isNext ? 1 : 0);
    const first = this.#stack[depth - 1]!;
    if (isNext) this.#stack[0] = first;
    if (!this.#putOut(depth)) return false;
    this.#addEntry(first);
    this.#previous = code;
    return true;
  }

  /** Lays a string on the stack, last byte first; the height it then has. */
  #unwind(code: number, height: number): number {
    let depth = height;
    let walk = code;
    while (walk >= FIRST_FREE) {
      this.#stack[depth++] = this.#suffix[walk]!;
      walk = this.#prefix[walk]!;
    }
    this.#stack[depth++] = walk;
    return depth;
  }

  #putOut(depth: number): boolean {
    const needed = this.#length + depth;
    if (needed > this.#lengthMax) return false;
    if (needed > this.#out.length) {
      this.#out = grown(this.#out, Math.min(this.#lengthMax, 2 * needed));
    }
    for (let i = depth - 1; i >= 0; i--) {
      this.#out[this.#length++] = this.#stack[i]!;
    }
    return true;
  }

  /** A full table stays as it is until a clear. */
  #addEntry(suffix: number): void {
    if (this.#previous < 0 || this.#next === CODES_MAX) return;
    this.#prefix[this.#next] = this.#previous;
    this.#suffix[this.#next] = suffix;
    this.#next++;
    if (this.#next === 1 << this.width && this.width < WIDTH_MAX) this.width++;
  }
}

/** Where `key` is, or would be put. */
function findSlot(table: Uint32Array, key: number): number {
  let slot = ((key >> 12) ^ key) & TABLE_MASK;
  while (table[slot] !== 0 && table[slot]! >>> WIDTH_MAX !== key + 1) {
    slot = (slot + 1) & TABLE_MASK;
  }
  return slot;
}

function grown(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(length);
  copy.set(bytes);
  return copy;
}

class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;
  #bits = 0;
  #bitCount = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next `width` bits; undefined at the end. */
  read(width: number): number | undefined {
    while (this.#bitCount < width) {
      if (this.#position === this.#bytes.length) return undefined;
      this.#bits |= this.#bytes[this.#position++]! << this.#bitCount;
      this.#bitCount += 8;
    }
    const code = this.#bits & ((1 << width) - 1);
    this.#bits >>>= width;
    this.#bitCount -= width;
    return code;
  }
}

class BitWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #bits = 0;
  #bitCount = 0;

  constructor(inputLength: number) {
    this.#bytes = new Uint8Array(32 + inputLength);
  }

  write(code: number, width: number): void {
    this.#bits |= code << this.#bitCount;
    this.#bitCount += width;
    while (this.#bitCount >= 8) this.#byte();
  }

  finish(): Uint8Array {
    if (this.#bitCount > 0) this.#byte();
    return this.#bytes.subarray(0, this.#length);
  }

  #byte(): void {
    if (this.#length === this.#bytes.length) {
      this.#bytes = grown(this.#bytes, 2 * this.#length);
    }
    this.#bytes[this.#length++] = this.#bits & 0xff;
    this.#bits >>>= 8;
    this.#bitCount -= 8;
  }
}
