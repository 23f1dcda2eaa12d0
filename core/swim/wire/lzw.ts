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
  const prefix = new Uint16Array(CODES_MAX);
  const suffix = new Uint8Array(CODES_MAX);
  const stack = new Uint8Array(CODES_MAX);
  let out = new Uint8Array(Math.min(lengthMax, 64 + 4 * input.length));
  let length = 0;
  let width = WIDTH_FIRST;
  let next = FIRST_FREE;
  let previous = -1;
  let bits = 0;
  let bitCount = 0;
  let position = 0;

  while (true) {
    while (bitCount < width) {
      if (position === input.length) return undefined;
      bits |= input[position++]! << bitCount;
      bitCount += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    bitCount -= width;

    if (code === END) return out.subarray(0, length);
    if (code === CLEAR) {
      width = WIDTH_FIRST;
      next = FIRST_FREE;
      previous = -1;
      continue;
    }
    // The one code that may be used before it is complete is `next` itself.
    if (code > next || (code === next && previous < 0)) return undefined;

    let depth = 0;
    let walk = code;
    if (code === next) {
      depth = 1; // stack[0] is set below: the first byte of the same string.
      walk = previous;
    }
    while (walk >= FIRST_FREE) {
      stack[depth++] = suffix[walk]!;
      walk = prefix[walk]!;
    }
    stack[depth++] = walk;
    if (code === next) stack[0] = walk;

    if (length + depth > lengthMax) return undefined;
    if (length + depth > out.length) {
      out = grown(out, Math.min(lengthMax, 2 * (length + depth)));
    }
    while (depth > 0) out[length++] = stack[--depth]!;

    if (previous >= 0 && next < CODES_MAX) {
      prefix[next] = previous;
      suffix[next] = walk;
      next++;
      if (next === 1 << width && width < WIDTH_MAX) width++;
    }
    previous = code;
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
