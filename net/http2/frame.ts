/**
 * The frame head (RFC 9113 section 4.1) and the constants of all frames. Permanent.
 *
 *   +-----------------------------------------------+
 *   | length of payload (24)                        |
 *   +---------------+---------------+---------------+
 *   | type (8)      | flags (8)     |
 *   +-+-------------+---------------+-------------------------------+
 *   |R| stream id (31)                                              |
 *   +=+=============================================================+
 *   | payload (length bytes) ...                                    |
 *   +---------------------------------------------------------------+
 */

export const FRAME_HEAD_BYTES = 9;
export const FRAME_MAX_BYTES_DEFAULT = 2 ** 14;
export const FRAME_MAX_BYTES_LIMIT = 2 ** 24 - 1;
export const STREAM_ID_MAX = 2 ** 31 - 1;

export const DATA = 0x0;
export const HEADERS = 0x1;
export const PRIORITY = 0x2;
export const RST_STREAM = 0x3;
export const SETTINGS = 0x4;
export const PUSH_PROMISE = 0x5;
export const PING = 0x6;
export const GOAWAY = 0x7;
export const WINDOW_UPDATE = 0x8;
export const CONTINUATION = 0x9;

/** Flags: END_STREAM and ACK share a bit and belong to different frames. */
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY_FLAG = 0x20;

/** What a client sends first (RFC 9113 section 3.4). */
export const PREFACE: Uint8Array = new TextEncoder().encode(
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
);

export interface FrameHead {
  length: number;
  type: number;
  flags: number;
  streamId: number;
}

export function readFrameHead(
  bytes: Uint8Array,
  position: number,
  into: FrameHead,
): void {
  into.length = bytes[position]! << 16 | bytes[position + 1]! << 8 |
    bytes[position + 2]!;
  into.type = bytes[position + 3]!;
  into.flags = bytes[position + 4]!;
  into.streamId = readU32(bytes, position + 5) & STREAM_ID_MAX;
}

export function writeFrameHead(
  into: Uint8Array,
  position: number,
  head: Readonly<FrameHead>,
): void {
  into[position] = head.length >>> 16;
  into[position + 1] = head.length >>> 8;
  into[position + 2] = head.length;
  into[position + 3] = head.type;
  into[position + 4] = head.flags;
  writeU32(into, position + 5, head.streamId);
}

export function readU32(bytes: Uint8Array, position: number): number {
  return (bytes[position]! << 24 | bytes[position + 1]! << 16 |
    bytes[position + 2]! << 8 | bytes[position + 3]!) >>> 0;
}

export function writeU32(
  into: Uint8Array,
  position: number,
  value: number,
): void {
  into[position] = value >>> 24;
  into[position + 1] = value >>> 16;
  into[position + 2] = value >>> 8;
  into[position + 3] = value;
}
