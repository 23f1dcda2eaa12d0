/**
 * HPACK integers (RFC 7541 section 5.1): a prefix of 1 to 8 bits, then groups of
 * seven bits, lowest first. Callers: the encoder and decoder of this folder.
 *
 *     0   1   2   3   4   5   6   7
 *   +---+---+---+---+---+---+---+---+
 *   | ? | ? | ? | 1   1   1   1   1 |   prefix full: the rest is value - 31
 *   +---+---+---+-------------------+
 *   | 1 |  next seven bits          |   top bit: another byte follows
 *   +---+---------------------------+
 */

/** Largest integer taken: far above any table or string size we allow. */
export const INTEGER_MAX = 2 ** 28 - 1;

/** Where a decoder stands in a header block. */
export interface Cursor {
  bytes: Uint8Array;
  position: number;
  end: number;
}

/**
 * Reads an integer whose first byte is at the cursor.
 * Returns -1 when the block ends inside it or it is above `INTEGER_MAX`.
 */
export function readInteger(cursor: Cursor, prefixBits: number): number {
  const { bytes, end } = cursor;
  if (cursor.position >= end) return -1;
  const prefixMax = (1 << prefixBits) - 1;
  let value = bytes[cursor.position++]! & prefixMax;
  if (value < prefixMax) return value;
  for (let shift = 0; shift <= 28; shift += 7) {
    if (cursor.position >= end) return -1;
    const byte = bytes[cursor.position++]!;
    value += (byte & 0x7f) * 2 ** shift;
    if (value > INTEGER_MAX) return -1;
    if (byte < 0x80) return value;
  }
  return -1;
}

/** How an integer starts: the size of its prefix, and the bits above it. */
export interface IntegerForm {
  readonly prefixBits: number;
  readonly first: number;
}

/** Writes `value` at `position`; returns the position after it. */
export function writeInteger(
  into: Uint8Array,
  position: number,
  form: IntegerForm,
  value: number,
): number {
  const prefixMax = (1 << form.prefixBits) - 1;
  if (value < prefixMax) {
    into[position] = form.first | value;
    return position + 1;
  }
  into[position++] = form.first | prefixMax;
  let rest = value - prefixMax;
  while (rest >= 0x80) {
    into[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  into[position++] = rest;
  return position;
}
