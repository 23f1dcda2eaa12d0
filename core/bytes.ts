/**
 * Views over byte buffers for the codecs. All integers in our own formats are
 * big-endian; 8-byte ones are numbers below 2^53, which the codecs check.
 */

import { assert } from "./assert.ts";

const TWO_POW_32 = 0x1_0000_0000;

/** A byte range and the DataView over the same range. */
export interface ByteWindow {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
}

export function byteWindow(bytes: Uint8Array): ByteWindow {
  return {
    bytes: bytes as Uint8Array<ArrayBuffer>,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  };
}

export function allocateWindow(sizeBytes: number): ByteWindow {
  return byteWindow(new Uint8Array(sizeBytes));
}

/**
 * Reads 8 bytes. A value of 2^53 or more comes back rounded, and still as 2^53
 * or more: whoever reads bytes that may be damaged asks `Number.isSafeInteger`.
 */
export function readU64(view: DataView, at: number): number {
  return view.getUint32(at) * TWO_POW_32 + view.getUint32(at + 4);
}

export function writeU64(view: DataView, at: number, value: number): void {
  assert(
    Number.isSafeInteger(value) && value >= 0,
    `Cannot write ${value} as an unsigned 8-byte integer`,
  );
  view.setUint32(at, Math.floor(value / TWO_POW_32));
  view.setUint32(at + 4, value % TWO_POW_32);
}

export function concatBytes(
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
