/**
 * Writes bytes that may be only in the page cache once more over themselves, so
 * that the sync that follows really sends them to the device.
 */

import type { Disk, DiskFile } from "../env.ts";
import type { UnprovedEntry } from "./recovery_scan.ts";
import type { ActiveSegment } from "./segment.ts";
import type { FoundSegment } from "./segment_files.ts";
import { SEGMENT_HEADER_BYTES } from "./segment_header.ts";

const CHUNK_BYTES = 1024 * 1024;

/**
 * Makes durable all segments that were scanned, rewriting them from the first
 * unproved entry on. Returns how many bytes it rewrote.
 */
export async function rewriteUnproved(
  disk: Disk,
  { found, active, scannedFrom, firstUnproved }: {
    readonly found: readonly FoundSegment[];
    readonly active: ActiveSegment;
    readonly scannedFrom: number;
    readonly firstUnproved: UnprovedEntry | null;
  },
): Promise<number> {
  let rewritten = 0;
  for (let i = scannedFrom; i < found.length; i++) {
    const segment = found[i];
    if (segment === undefined || segment.path === active.info.path) break;
    const file = disk.open(segment.path, "existing");
    try {
      const from = rewriteFrom(firstUnproved, i, segment.sizeBytes);
      rewritten += rewrite(file, from, segment.sizeBytes);
      await file.sync();
    } finally {
      file.close();
    }
  }
  const last = found.findIndex(({ path }) => path === active.info.path);
  const from = rewriteFrom(firstUnproved, last, active.endPosition);
  rewritten += rewrite(active.file, from, active.endPosition);
  await active.file.sync();
  return rewritten;
}

/** Where to begin in segment `number`; the header goes with the first entry. */
function rewriteFrom(
  first: UnprovedEntry | null,
  number: number,
  end: number,
): number {
  if (end === SEGMENT_HEADER_BYTES) return 0;
  if (first === null || number < first.segment) return end;
  const isWhole = number > first.segment ||
    first.position === SEGMENT_HEADER_BYTES;
  return isWhole ? 0 : first.position;
}

function rewrite(file: DiskFile, from: number, end: number): number {
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, end - from));
  for (let position = from; position < end; position += chunk.length) {
    const part = chunk.subarray(0, Math.min(chunk.length, end - position));
    file.readAt(part, position);
    file.writeAt(part, position);
  }
  return end - from;
}
