/**
 * Text of header fields to bytes and back. Header text is latin-1: one byte a
 * character. A small table remembers the strings of recent byte runs, because the
 * literals of header blocks repeat, and a known string is cheaper than a new one.
 */
import { assert } from "../../../core/assert.ts";

const REMEMBERED_SLOTS = 256; // a power of two
const REMEMBERED_LENGTH_MAX = 64;

/** Writes latin-1 text; returns the next position. Other characters are a bug of the caller. */
export function writeLatin1(
  into: Uint8Array,
  position: number,
  text: string,
): number {
  let seen = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    seen |= code;
    into[position + i] = code;
  }
  assert(seen <= 0xff, "Header text must be latin-1");
  return position + text.length;
}

/** Eight characters a call: cheaper than one, and than a view for `apply`. */
export function readLatin1(
  bytes: Uint8Array,
  from: number,
  end: number,
): string {
  let text = "";
  for (; from + 8 <= end; from += 8) {
    text += String.fromCharCode(
      bytes[from]!,
      bytes[from + 1]!,
      bytes[from + 2]!,
      bytes[from + 3]!,
      bytes[from + 4]!,
      bytes[from + 5]!,
      bytes[from + 6]!,
      bytes[from + 7]!,
    );
  }
  for (; from < end; from++) text += String.fromCharCode(bytes[from]!);
  return text;
}

/** Bytes to strings, remembering recent short ones. One per decoder; its size is fixed. */
export class StringReader {
  readonly #texts: string[] = new Array(REMEMBERED_SLOTS).fill("");

  read(bytes: Uint8Array, from: number, end: number): string {
    const length = end - from;
    if (length > REMEMBERED_LENGTH_MAX) return readLatin1(bytes, from, end);
    let hash = length;
    for (let i = from; i < end; i++) hash = Math.imul(hash, 31) + bytes[i]! | 0;
    const slot = (hash ^ (hash >>> 16)) & (REMEMBERED_SLOTS - 1);
    const known = this.#texts[slot]!;
    if (known.length === length && isSame(known, bytes, from)) return known;
    return this.#texts[slot] = readLatin1(bytes, from, end);
  }
}

function isSame(text: string, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== bytes[from + i]) return false;
  }
  return true;
}
