/**
 * The few protobuf wire primitives that the hot messages need
 * (protobuf.dev/programming-guides/encoding). Numbers above 2^53 - 1 are
 * refused: offsets, counts and times never reach them.
 * Callers: `messages.ts`. Cold messages use the generated code.
 */
import { ProglogError } from "../../core/errors.ts";

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export const WIRE_VARINT = 0;
export const WIRE_FIXED64 = 1;
export const WIRE_BYTES = 2;
export const WIRE_FIXED32 = 5;

/** Reads fields one after another; every length is checked before it is used. */
export class WireReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get position(): number {
    return this.#position;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  /** Field number * 8 + wire type. */
  tag(): number {
    return this.varint();
  }

  varint(): number {
    const bytes = this.#bytes;
    let value = 0;
    let scale = 1;
    for (let n = 0; n < 10; n++) {
      const byte = bytes[this.#position++];
      if (byte === undefined) throw malformed("a number is cut off");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) {
          throw malformed("a number is above 2^53 - 1");
        }
        return value;
      }
      scale *= 128;
    }
    throw malformed("a number has more than 10 bytes");
  }

  fixed64(): bigint {
    const start = this.#advance(8);
    const view = new DataView(
      this.#bytes.buffer,
      this.#bytes.byteOffset + start,
      8,
    );
    return view.getBigUint64(0, true);
  }

  /** A view into the message, not a copy. */
  bytes(): Uint8Array {
    const length = this.varint();
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(): string {
    try {
      return decoder.decode(this.bytes());
    } catch (cause) {
      if (cause instanceof ProglogError) throw cause;
      throw malformed("a text is not UTF-8");
    }
  }

  /** Passes over a field of a number that this version does not know. */
  skip(tag: number): void {
    switch (tag & 7) {
      case WIRE_VARINT:
        this.#skipVarint();
        return;
      case WIRE_FIXED64:
        this.#advance(8);
        return;
      case WIRE_BYTES:
        this.#advance(this.varint());
        return;
      case WIRE_FIXED32:
        this.#advance(4);
        return;
      default:
        throw malformed(`wire type ${tag & 7} is not known`);
    }
  }

  #skipVarint(): void {
    for (let n = 0; n < 10; n++) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw malformed("a number is cut off");
      if (byte < 0x80) return;
    }
    throw malformed("a number has more than 10 bytes");
  }

  #advance(length: number): number {
    const start = this.#position;
    if (length > this.#bytes.length - start) {
      throw malformed("a field is longer than its message");
    }
    this.#position = start + length;
    return start;
  }
}

/** Writes fields into a buffer that the caller sized with the `size...` functions. */
export class WireWriter {
  readonly bytes: Uint8Array;
  position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.position++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.position++] = rest;
  }

  /** A whole-number field; 0 is the default and is not written. */
  uint(options: { field: number; value: number }): void {
    if (options.value === 0) return;
    this.varint(options.field * 8 + WIRE_VARINT);
    this.varint(options.value);
  }

  fixed64(options: { field: number; value: bigint }): void {
    if (options.value === 0n) return;
    this.varint(options.field * 8 + WIRE_FIXED64);
    new DataView(this.bytes.buffer, this.bytes.byteOffset)
      .setBigUint64(this.position, options.value, true);
    this.position += 8;
  }

  data(options: { field: number; value: Uint8Array }): void {
    if (options.value.length === 0) return;
    this.varint(options.field * 8 + WIRE_BYTES);
    this.varint(options.value.length);
    this.raw(options.value);
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }

  written(): Uint8Array {
    return this.bytes.subarray(0, this.position);
  }
}

export function sizeVarint(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

export function encodeText(text: string): Uint8Array {
  return text === "" ? NO_BYTES : encoder.encode(text);
}

function malformed(reason: string): ProglogError {
  return new ProglogError(
    "invalid_argument",
    `Cannot read the message as ${reason}`,
  );
}
