/**
 * Reads msgpack of unknown origin, old and new dialect alike. It never throws:
 * the first fault sticks in `failure`, and every later read gives an empty
 * value. "incomplete" means that more bytes may mend it (streams), "corrupt"
 * that nothing can. Byte strings are views; what is skipped is not allocated.
 */
import { MSGPACK_NESTING_MAX } from "../limits.ts";

export type MsgpackFailure = "none" | "incomplete" | "corrupt";

const EMPTY = new Uint8Array(0);
const textDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class MsgpackReader {
  failure: MsgpackFailure = "none";
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength,
    );
    this.#position = position;
  }

  get ok(): boolean {
    return this.failure === "none";
  }

  get position(): number {
    return this.#position;
  }

  /** Pairs of the map that begins here; nil is a map of none. */
  map(countMax = Number.MAX_SAFE_INTEGER): number {
    return this.#count(0x80, 0xde, countMax);
  }

  /** Values of the array that begins here; nil is an array of none. */
  array(countMax = Number.MAX_SAFE_INTEGER): number {
    return this.#count(0x90, 0xdc, countMax);
  }

  /** Whether a nil stands here; it is taken if so. */
  takeNil(): boolean {
    if (!this.ok || this.#bytes[this.#position] !== 0xc0) return false;
    this.#position++;
    return true;
  }

  boolean(): boolean {
    const tag = this.#tag();
    if (tag !== 0xc2 && tag !== 0xc3) this.#corrupt();
    return tag === 0xc3;
  }

  /** A whole number from 0 to `max` (at most 2^53 - 1), in any integer form. */
  unsigned(max: number): number {
    const value = this.#integer(this.#tag());
    if (this.ok && value >= 0 && value <= max) return value;
    this.#corrupt();
    return 0;
  }

  float(): number {
    const tag = this.#tag();
    if (tag === 0xcb) return this.#number(8, (at) => this.#view.getFloat64(at));
    if (tag === 0xca) return this.#number(4, (at) => this.#view.getFloat32(at));
    return this.#integer(tag);
  }

  /** Bytes in raw, str or bin form as a view; nil is empty. */
  raw(lengthMax = Number.MAX_SAFE_INTEGER): Uint8Array {
    const length = this.#rawLength(this.#tag());
    if (!this.ok) return EMPTY;
    if (length > lengthMax) return this.#corrupt();
    if (!this.#has(length)) return EMPTY;
    const start = this.#position;
    this.#position += length;
    return this.#bytes.subarray(start, this.#position);
  }

  /** A string in raw, str or bin form; anything but UTF-8 is corrupt. */
  text(lengthMax = Number.MAX_SAFE_INTEGER): string {
    const raw = this.raw(lengthMax);
    if (raw.length > 64) return this.#longText(raw);
    let text = "";
    for (let i = 0; i < raw.length; i++) {
      const code = raw[i]!;
      if (code >= 0x80) return this.#longText(raw);
      text += String.fromCharCode(code);
    }
    return text;
  }

  /** Steps over one value of any kind. */
  skip(): void {
    // `pending` counts the values still to step over on each open level.
    const pending = [1];
    while (this.ok && pending.length > 0) {
      const top = pending.length - 1;
      if (pending[top] === 0) {
        pending.pop();
        continue;
      }
      pending[top]!--;
      const inside = this.#skipOne();
      if (inside > 0) pending.push(inside);
      if (pending.length > MSGPACK_NESTING_MAX) this.#corrupt();
    }
  }

  /** Steps over one value; answers how many values are inside of it. */
  #skipOne(): number {
    const tag = this.#peek();
    if ((tag & 0xf0) === 0x80 || tag === 0xde || tag === 0xdf) {
      return 2 * this.map();
    }
    if ((tag & 0xf0) === 0x90 || tag === 0xdc || tag === 0xdd) {
      return this.array();
    }
    if (isRaw(tag)) this.raw();
    else if (tag === 0xc0 || tag === 0xc2 || tag === 0xc3) this.#position++;
    else this.float();
    return 0;
  }

  #longText(raw: Uint8Array): string {
    try {
      return textDecoder.decode(raw);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.#corrupt();
      return "";
    }
  }

  #count(fix: number, wide: number, countMax: number): number {
    const tag = this.#tag();
    let count = 0;
    if ((tag & 0xf0) === fix) count = tag & 0x0f;
    else if (tag === wide) count = this.#sized(2);
    else if (tag === wide + 1) count = this.#sized(4);
    else if (tag !== 0xc0) this.#corrupt();
    if (count <= countMax) return count;
    this.#corrupt();
    return 0;
  }

  #rawLength(tag: number): number {
    if ((tag & 0xe0) === 0xa0) return tag & 0x1f;
    if (tag === 0xc0) return 0;
    if (tag === 0xda || tag === 0xc5) return this.#sized(2);
    if (tag === 0xdb || tag === 0xc6) return this.#sized(4);
    if (tag === 0xd9 || tag === 0xc4) return this.#sized(1);
    this.#corrupt();
    return 0;
  }

  #integer(tag: number): number {
    if (tag < 0x80) return tag;
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xcc:
        return this.#sized(1);
      case 0xcd:
        return this.#sized(2);
      case 0xce:
        return this.#sized(4);
      case 0xcf:
        return this.#number(8, (at) => this.#wide(this.#view.getBigUint64(at)));
      case 0xd0:
        return this.#number(1, (at) => this.#view.getInt8(at));
      case 0xd1:
        return this.#number(2, (at) => this.#view.getInt16(at));
      case 0xd2:
        return this.#number(4, (at) => this.#view.getInt32(at));
      case 0xd3:
        return this.#number(8, (at) => this.#wide(this.#view.getBigInt64(at)));
      default:
        this.#corrupt();
        return 0;
    }
  }

  #wide(value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) this.#corrupt();
    return number;
  }

  #sized(width: 1 | 2 | 4): number {
    if (!this.#has(width)) return 0;
    const at = this.#position;
    this.#position += width;
    if (width === 1) return this.#bytes[at]!;
    return width === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #number(width: number, read: (at: number) => number): number {
    if (!this.#has(width)) return 0;
    const at = this.#position;
    this.#position += width;
    return read(at);
  }

  #peek(): number {
    return this.#has(1) ? this.#bytes[this.#position]! : 0xc0;
  }

  #tag(): number {
    return this.#has(1) ? this.#bytes[this.#position++]! : 0xc0;
  }

  #has(count: number): boolean {
    if (!this.ok) return false;
    if (this.#position + count <= this.#bytes.length) return true;
    this.failure = "incomplete";
    return false;
  }

  /** A sticky fault; "incomplete" stays, as more bytes may mend it. */
  #corrupt(): Uint8Array {
    if (this.ok) this.failure = "corrupt";
    return EMPTY;
  }
}

function isRaw(tag: number): boolean {
  return (tag & 0xe0) === 0xa0 || (tag >= 0xd9 && tag <= 0xdb) ||
    (tag >= 0xc4 && tag <= 0xc6);
}
