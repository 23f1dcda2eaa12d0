/** CRC-32/IEEE before a packet's message: byte 12, u32 big endian, the rest. */
import { crc32 } from "../../crc32.ts";
import { MESSAGE_TYPE } from "./messages.ts";

export const CHECKSUM_BYTES = 5;

export function addChecksum(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CHECKSUM_BYTES + message.length);
  bytes[0] = MESSAGE_TYPE.hasCrc;
  new DataView(bytes.buffer).setUint32(1, crc32(message));
  bytes.set(message, CHECKSUM_BYTES);
  return bytes;
}

/** The message behind its checksum; as it is if it has none; undefined if wrong. */
export function checkChecksum(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes[0] !== MESSAGE_TYPE.hasCrc || bytes.length < CHECKSUM_BYTES) {
    return bytes;
  }
  const message = bytes.subarray(CHECKSUM_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(1) === crc32(message) ? message : undefined;
}
