/**
 * Writes msgpack in the old dialect that HashiCorp's tools speak: strings and
 * byte slices are both `raw` (fixraw, raw16, raw32), never `str8` or `bin`,
 * and non-negative integers take their shortest unsigned form.
 */
import { assert } from "../../assert.ts";

const textEncoder = new TextEncoder();

export class MsgpackWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What was written so far, as a copy. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** One byte outside msgpack, such as a message type. */
  byte(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** Bytes outside msgpack, as they are. */
  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  nil(): this {
    return this.byte(0xc0);
  }

  boolean(value: boolean): this {
    return this.byte(value ? 0xc3 : 0xc2);
  }

  /** A whole number from -2^53 to 2^53 - 1. */
  integer(value: number): this {
    assert(Number.isSafeInteger(value), `Cannot encode ${value} as an integer`);
    if (value < 0) return this.#negative(value);
    this.#reserve(9);
    if (value < 0x80) this.#bytes[this.#length++] = value;
    else if (value <= 0xff) this.#sized(0xcc, 1, value);
    else if (value <= 0xffff) this.#sized(0xcd, 2, value);
    else if (value <= 0xffffffff) this.#sized(0xce, 4, value);
    else {
      this.#bytes[this.#length++] = 0xcf;
      this.#view.setBigUint64(this.#length, BigInt(value));
      this.#length += 8;
    }
    return this;
  }

  float(value: number): this {
    this.#reserve(9);
    this.#bytes[this.#length++] = 0xcb;
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
    return this;
  }

  map(size: number): this {
    return this.#header(size, 0x80, 0xde);
  }

  array(size: number): this {
    return this.#header(size, 0x90, 0xdc);
  }

  raw(value: Uint8Array): this {
    this.#rawHeader(value.length);
    return this.bytes(value);
  }

  text(value: string): this {
    // Names and keys are short ASCII nearly always: no encoder, no copy.
    if (value.length < 32 && this.#shortAscii(value)) return this;
    return this.raw(textEncoder.encode(value));
  }

  #shortAscii(value: string): boolean {
    this.#reserve(1 + value.length);
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) return false;
      this.#bytes[this.#length + 1 + i] = code;
    }
    this.#bytes[this.#length] = 0xa0 | value.length;
    this.#length += 1 + value.length;
    return true;
  }

  #rawHeader(size: number): void {
    this.#reserve(5);
    if (size < 32) this.#bytes[this.#length++] = 0xa0 | size;
    else if (size <= 0xffff) this.#sized(0xda, 2, size);
    else this.#sized(0xdb, 4, size);
  }

  #header(size: number, fix: number, wide: number): this {
    this.#reserve(5);
    if (size < 16) this.#bytes[this.#length++] = fix | size;
    else if (size <= 0xffff) this.#sized(wide, 2, size);
    else this.#sized(wide + 1, 4, size);
    return this;
  }

  #negative(value: number): this {
    this.#reserve(9);
    if (value >= -32) {
      this.#bytes[this.#length++] = value & 0xff;
      return this;
    }
    this.#bytes[this.#length++] = 0xd3;
    this.#view.setBigInt64(this.#length, BigInt(value));
    this.#length += 8;
    return this;
  }

  #sized(tag: number, width: 1 | 2 | 4, value: number): void {
    this.#bytes[this.#length++] = tag;
    if (width === 1) this.#view.setUint8(this.#length, value);
    else if (width === 2) this.#view.setUint16(this.#length, value);
    else this.#view.setUint32(this.#length, value);
    this.#length += width;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
