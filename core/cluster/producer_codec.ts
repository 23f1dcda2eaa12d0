/**
 * Bytes of the producer table: varints and 8-byte ids (big-endian).
 * The reader throws `corrupt`: what it reads was checked by a CRC before.
 */
import { ProglogError } from "../errors.ts";

export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  u64(value: bigint): void {
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setBigUint64(this.#length, value);
    this.#length += 8;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(this.#bytes.length * 2);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let n = 0; n < 8; n++) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw corrupt("is cut off");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw corrupt("has a number of more than 8 bytes");
  }

  u64(): bigint {
    if (this.#position + 8 > this.#bytes.length) throw corrupt("is cut off");
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset);
    const value = view.getBigUint64(this.#position);
    this.#position += 8;
    return value;
  }

  expectEnd(): void {
    if (this.#position !== this.#bytes.length) throw corrupt("is too long");
  }
}

function corrupt(what: string): ProglogError {
  return new ProglogError(
    "corrupt",
    `Cannot read the producer table as it ${what}`,
  );
}
