/**
 * Reading and writing the small fields of messages: big-endian numbers and short
 * texts. The reader believes nothing: a field that is not there, or a number
 * that is no index, is `corrupt`.
 */
import { readU64, writeU64 } from "../bytes.ts";
import { ProglogError } from "../errors.ts";

export const TEXT_SIZE_MAX_BYTES = 255;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class ByteWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  u8(value: number): void {
    this.#grow(1);
    this.#view.setUint8(this.#length++, value);
  }

  u16(value: number): void {
    this.#grow(2);
    this.#view.setUint16(this.#length, value);
    this.#length += 2;
  }

  u32(value: number): void {
    this.#grow(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
  }

  /** A whole number below 2^53. */
  u64(value: number): void {
    this.#grow(8);
    writeU64(this.#view, this.#length, value);
    this.#length += 8;
  }

  /** Length in one byte, then UTF-8; `too_large` above 255 bytes. */
  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    if (bytes.length > TEXT_SIZE_MAX_BYTES) {
      throw new ProglogError(
        "too_large",
        `Cannot encode "${
          value.slice(0, 32)
        }..." as it has over ${TEXT_SIZE_MAX_BYTES} bytes: ${bytes.length}`,
      );
    }
    this.u8(bytes.length);
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(byBytes: number): void {
    const needed = this.#length + byBytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #position = 0;

  /** `what` names the thing in error messages. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#what = what;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): number {
    const value = readU64(this.#view, this.#take(8));
    if (!Number.isSafeInteger(value)) this.fail("a number is over 2^53 - 1");
    return value;
  }

  text(): string {
    const length = this.u8();
    const from = this.#take(length);
    try {
      return UTF8.decode(this.#bytes.subarray(from, from + length));
    } catch (cause) {
      return this.fail("a text is not UTF-8", cause);
    }
  }

  /** All that is left, as a view. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#take(this.#left));
  }

  end(): void {
    if (this.#left > 0) this.fail(`${this.#left} bytes are left over`);
  }

  fail(reason: string, cause?: unknown): never {
    throw new ProglogError(
      "corrupt",
      `Cannot decode ${this.#what} as ${reason} at byte ${this.#position}`,
      { cause },
    );
  }

  get #left(): number {
    return this.#bytes.length - this.#position;
  }

  #take(count: number): number {
    if (count > this.#left) this.fail(`${count} bytes are not there`);
    const from = this.#position;
    this.#position += count;
    return from;
  }
}
