/**
 * Tells a torn tail from damage in the middle. Each entry says how many entries
 * before it were not yet known durable when it was written; so an entry that
 * lies whole behind damage proves whether the damaged bytes had been synced.
 * Only searched for when damage was found.
 */

import { byteWindow } from "../bytes.ts";
import type { DiskFile } from "../env.ts";
import {
  checkEntry,
  durableIndexProvedBy,
  ENTRY_HEADER_BYTES,
  ENTRY_MAGIC,
  isPlacedAt,
  peekEntryLength,
} from "./entry.ts";

const CHUNK_BYTES = 1024 * 1024;

interface SearchPlace {
  readonly salt: number | null;
  readonly position: number;
}

const MAGIC_FIRST_BYTE = ENTRY_MAGIC >>> 24;

/**
 * The largest index that entries anywhere in `from..end` prove durable; 0 for
 * none. Without a salt (the header is damaged) any whole entry counts.
 */
export function durableIndexProvedIn(
  file: DiskFile,
  range: {
    readonly salt: number | null;
    readonly from: number;
    readonly end: number;
  },
): number {
  let proved = 0;
  const chunk = new Uint8Array(CHUNK_BYTES + ENTRY_HEADER_BYTES);
  let position = range.from;
  while (position < range.end) {
    const count = file.readAt(
      chunk.subarray(0, Math.min(chunk.length, range.end - position)),
      position,
    );
    if (count < ENTRY_HEADER_BYTES) break;
    const candidates = placedHeaders(chunk.subarray(0, count), {
      salt: range.salt,
      position,
    });
    for (const at of candidates) {
      const place = { salt: range.salt, position: position + at };
      proved = Math.max(proved, provedByEntry(file, place, range.end));
    }
    position += CHUNK_BYTES;
  }
  return proved;
}

/** Where in a chunk headers begin that were written for their place. */
function* placedHeaders(
  chunk: Uint8Array,
  place: SearchPlace,
): Generator<number> {
  const window = byteWindow(chunk);
  const last = Math.min(chunk.length - ENTRY_HEADER_BYTES, CHUNK_BYTES - 1);
  let at = chunk.indexOf(MAGIC_FIRST_BYTE);
  while (at >= 0 && at <= last) {
    if (
      window.view.getUint32(at) === ENTRY_MAGIC &&
      (place.salt === null || isPlacedAt(window, at, {
        salt: place.salt,
        position: place.position + at,
      }))
    ) yield at;
    at = chunk.indexOf(MAGIC_FIRST_BYTE, at + 1);
  }
}

function provedByEntry(
  file: DiskFile,
  place: SearchPlace,
  end: number,
): number {
  const header = byteWindow(new Uint8Array(ENTRY_HEADER_BYTES));
  file.readAt(header.bytes, place.position);
  const length = peekEntryLength(header, 0, ENTRY_HEADER_BYTES);
  if (typeof length === "string" || length > end - place.position) return 0;
  const entry = byteWindow(new Uint8Array(length));
  file.readAt(entry.bytes, place.position);
  const check = checkEntry(entry, 0, length);
  return check.ok ? durableIndexProvedBy(entry, 0) : 0;
}
