/**
 * Replaces a whole log by an empty one that starts at a given point, so that a
 * crash leaves either the old log or the new one. The new first segment is
 * written under another name and synced: from then on the reset is decided, and
 * opening the log finishes it.
 */

import type { Disk } from "../env.ts";
import type { LogIndex } from "../ids.ts";
import { listLogFiles, logFilePath } from "./file_names.ts";
import type { LogPoint } from "./log_point.ts";
import {
  createSegment,
  readSegmentHeader,
  removeSegment,
} from "./segment_files.ts";

/** Writes and syncs the decision to start anew after `start`. */
export async function decideReset(
  disk: Disk,
  directory: string,
  { start, salt }: { readonly start: LogPoint; readonly salt: number },
): Promise<void> {
  const firstIndex = start.index + 1 as LogIndex;
  const path = logFilePath(directory, "reset", firstIndex);
  if (disk.exists(path)) disk.remove(path);
  const segment = createSegment(disk, path, {
    salt,
    start,
    durableIndex: start.index,
    previousSizeBytes: 0,
    previousFirstIndex: 0 as LogIndex,
    timeMaxBeforeMs: 0,
  });
  try {
    await segment.file.sync();
  } finally {
    segment.file.close();
  }
  await disk.syncDirectory(directory);
}

/** Finishes a reset that was decided; removes one that was not. */
export async function finishReset(
  disk: Disk,
  directory: string,
): Promise<void> {
  const { resets, segments } = listLogFiles(disk, directory);
  for (const firstIndex of resets) {
    const path = logFilePath(directory, "reset", firstIndex);
    if (isDecided(disk, path)) {
      for (const old of segments.toReversed()) {
        await removeSegment(disk, directory, old);
      }
      disk.rename(path, logFilePath(directory, "segment", firstIndex));
    } else disk.remove(path);
    await disk.syncDirectory(directory);
  }
}

function isDecided(disk: Disk, path: string): boolean {
  const file = disk.open(path, "existing");
  try {
    return readSegmentHeader(file) !== null;
  } finally {
    file.close();
  }
}
