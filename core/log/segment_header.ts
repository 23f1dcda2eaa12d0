/**
 * The first bytes of a segment file: what the log was when the segment began.
 * Permanent layout (see docs/log_format.md).
 *
 *    0  4  magic "pls", version 1
 *    4  4  crc: CRC-32 of bytes 8..72
 *    8  4  header length in bytes: 72
 *   12  4  salt: a random number that ties entries to this file
 *   16  8  index of the entry before the first one of this segment
 *   24  8  term of that entry
 *   32  8  next offset after that entry
 *   40  8  durable index: the largest index known durable when the file was made
 *   48  8  size in bytes of the segment before, 0 if there was none
 *   56  8  largest append time of all entries before, milliseconds since the epoch
 *   64  8  first index of the segment before, 0 if there was none
 */

import { allocateWindow, byteWindow, readU64, writeU64 } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import type { LogIndex, Offset, Term } from "../ids.ts";
import type { LogPoint } from "./log_point.ts";

export const SEGMENT_HEADER_BYTES = 72;
/** "pls" and version 1. */
const SEGMENT_MAGIC = 0x706c7301;

export interface SegmentHeader {
  readonly salt: number;
  /** The point before the first entry. */
  readonly start: LogPoint;
  readonly durableIndex: LogIndex;
  readonly previousSizeBytes: number;
  readonly previousFirstIndex: LogIndex;
  readonly timeMaxBeforeMs: number;
}

export function encodeSegmentHeader(
  header: SegmentHeader,
): Uint8Array<ArrayBuffer> {
  const { bytes, view } = allocateWindow(SEGMENT_HEADER_BYTES);
  view.setUint32(0, SEGMENT_MAGIC);
  view.setUint32(8, SEGMENT_HEADER_BYTES);
  view.setUint32(12, header.salt);
  writeU64(view, 16, header.start.index);
  writeU64(view, 24, header.start.term);
  writeU64(view, 32, header.start.offset);
  writeU64(view, 40, header.durableIndex);
  writeU64(view, 48, header.previousSizeBytes);
  writeU64(view, 56, header.timeMaxBeforeMs);
  writeU64(view, 64, header.previousFirstIndex);
  view.setUint32(4, crc32(bytes.subarray(8)));
  return bytes;
}

/** The header in the first bytes of a file, or null if they are damaged. */
export function decodeSegmentHeader(file: Uint8Array): SegmentHeader | null {
  if (file.length < SEGMENT_HEADER_BYTES) return null;
  const { bytes, view } = byteWindow(file.subarray(0, SEGMENT_HEADER_BYTES));
  if (
    view.getUint32(0) !== SEGMENT_MAGIC ||
    view.getUint32(8) !== SEGMENT_HEADER_BYTES ||
    view.getUint32(4) !== crc32(bytes.subarray(8))
  ) return null;
  const numbers = [16, 24, 32, 40, 48, 56, 64].map((at) => readU64(view, at));
  if (!numbers.every(Number.isSafeInteger)) return null;
  return {
    salt: view.getUint32(12),
    start: {
      index: readU64(view, 16) as LogIndex,
      term: readU64(view, 24) as Term,
      offset: readU64(view, 32) as Offset,
    },
    durableIndex: readU64(view, 40) as LogIndex,
    previousSizeBytes: readU64(view, 48),
    timeMaxBeforeMs: readU64(view, 56),
    previousFirstIndex: readU64(view, 64) as LogIndex,
  };
}
