/**
 * A small file that a log leaves when it is closed in order: "everything up to
 * this index was durable". It lets the next open refuse damage in the last
 * entries, where a crash could not be told from decay without it. It is removed
 * when the log is opened, so it never speaks of a log that has changed.
 *
 *    0  4  magic "plc", version 1
 *    4  4  crc: CRC-32 of bytes 8..16
 *    8  8  last index
 */

import { allocateWindow, byteWindow, readU64, writeU64 } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import type { Disk } from "../env.ts";
import type { LogIndex } from "../ids.ts";
import { CLOSED_MARK_NAME } from "./file_names.ts";

const MARK_MAGIC = 0x706c6301;
const MARK_BYTES = 16;

/** Leaves the mark and makes it durable. */
export async function leaveClosedMark(
  disk: Disk,
  directory: string,
  lastIndex: LogIndex,
): Promise<void> {
  const { bytes, view } = allocateWindow(MARK_BYTES);
  view.setUint32(0, MARK_MAGIC);
  writeU64(view, 8, lastIndex);
  view.setUint32(4, crc32(bytes.subarray(8)));
  const file = disk.open(markPath(directory), "create_or_existing");
  try {
    file.writeAt(bytes, 0);
    await file.sync();
  } finally {
    file.close();
  }
  await disk.syncDirectory(directory);
}

/** The last index that the mark names; 0 if there is none that can be read. */
export function readClosedMark(disk: Disk, directory: string): LogIndex {
  if (!disk.exists(markPath(directory))) return 0 as LogIndex;
  const file = disk.open(markPath(directory), "existing");
  try {
    const { bytes, view } = byteWindow(new Uint8Array(MARK_BYTES));
    const whole = file.readAt(bytes, 0) === MARK_BYTES &&
      view.getUint32(0) === MARK_MAGIC &&
      view.getUint32(4) === crc32(bytes.subarray(8));
    return (whole ? readU64(view, 8) : 0) as LogIndex;
  } finally {
    file.close();
  }
}

/** Removes the mark; durable once the directory is synced. */
export function removeClosedMark(disk: Disk, directory: string): void {
  const path = markPath(directory);
  if (disk.exists(path)) disk.remove(path);
}

function markPath(directory: string): string {
  return `${directory}/${CLOSED_MARK_NAME}`;
}
