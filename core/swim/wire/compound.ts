/**
 * Several messages in one packet.
 *
 *   +------+-------+--------------------+-------+-------+---
 *   | 0x07 | count | count x u16 length | part  | part  | ...
 *   +------+-------+--------------------+-------+-------+---
 *      1B     1B        big endian
 */
import { assert } from "../../assert.ts";
import { COMPOUND_PARTS_SENT_MAX } from "../limits.ts";
import { MESSAGE_TYPE } from "./messages.ts";

/** Bytes before the parts' lengths. */
export const COMPOUND_HEADER_BYTES = 2;
/** Bytes that each part costs besides its own. */
export const COMPOUND_PART_BYTES = 2;

export function encodeCompound(parts: readonly Uint8Array[]): Uint8Array {
  assert(
    parts.length <= COMPOUND_PARTS_SENT_MAX,
    `Cannot encode a compound of ${parts.length} parts`,
  );
  const header = COMPOUND_HEADER_BYTES + COMPOUND_PART_BYTES * parts.length;
  const size = parts.reduce((sum, part) => sum + part.length, header);
  const bytes = new Uint8Array(size);
  bytes[0] = MESSAGE_TYPE.compound;
  bytes[1] = parts.length;
  let position = header;
  for (const [i, part] of parts.entries()) {
    bytes[2 + 2 * i] = part.length >> 8;
    bytes[3 + 2 * i] = part.length & 0xff;
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

/** The parts as views; those that are cut off at the end are left out. */
export function decodeCompound(bytes: Uint8Array): Uint8Array[] {
  const count = bytes[1] ?? 0;
  const parts: Uint8Array[] = [];
  let position = COMPOUND_HEADER_BYTES + COMPOUND_PART_BYTES * count;
  for (let i = 0; i < count; i++) {
    const high = bytes[2 + 2 * i] ?? 0;
    const length = (high << 8) | (bytes[3 + 2 * i] ?? 0);
    if (position + length > bytes.length) break;
    parts.push(bytes.subarray(position, position + length));
    position += length;
  }
  return parts;
}
