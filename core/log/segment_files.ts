/**
 * Makes, finds and removes the files of segments.
 */

import type { Disk, DiskFile } from "../env.ts";
import type { LogIndex } from "../ids.ts";
import { EntryScanner } from "./entry_scanner.ts";
import { listLogFiles, logFilePath } from "./file_names.ts";
import { corruptEntry } from "./log_errors.ts";
import { ActiveSegment, type SegmentInfo } from "./segment.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from "./segment_header.ts";

/** A segment file as it was found; `header` is null if it is damaged. */
export interface FoundSegment {
  readonly firstIndex: LogIndex;
  readonly path: string;
  readonly sizeBytes: number;
  readonly header: SegmentHeader | null;
}

/** All segments of a directory in order, with their headers read. */
export function findSegments(disk: Disk, directory: string): FoundSegment[] {
  return listLogFiles(disk, directory).segments.map((firstIndex) => {
    const path = logFilePath(directory, "segment", firstIndex);
    const file = disk.open(path, "existing");
    try {
      const sizeBytes = file.size();
      const header = readSegmentHeader(file);
      const named = header?.start.index === firstIndex - 1;
      return { firstIndex, path, sizeBytes, header: named ? header : null };
    } finally {
      file.close();
    }
  });
}

export function readSegmentHeader(file: DiskFile): SegmentHeader | null {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  return decodeSegmentHeader(bytes.subarray(0, file.readAt(bytes, 0)));
}

/**
 * Creates an empty segment, which is not durable yet. Leaves no file behind if
 * it throws `disk_full` or `disk_failed`, unless its removal fails too.
 */
export function createSegment(
  disk: Disk,
  path: string,
  header: SegmentHeader,
): ActiveSegment {
  const file = disk.open(path, "create");
  try {
    file.writeAt(encodeSegmentHeader(header), 0);
  } catch (error) {
    file.close();
    disk.remove(path);
    throw error;
  }
  const info = { path, header, sizeBytes: SEGMENT_HEADER_BYTES };
  return new ActiveSegment(info, file);
}

/** A sealed segment as one that can be written, with all its entries noted. */
export function reopenSegment(disk: Disk, segment: SegmentInfo): ActiveSegment {
  const file = disk.open(segment.path, "existing");
  try {
    const active = new ActiveSegment(segment, file);
    const scanner = new EntryScanner(file, {
      salt: segment.header.salt,
      from: SEGMENT_HEADER_BYTES,
      end: segment.sizeBytes,
      after: segment.header.start,
    });
    while (true) {
      const step = scanner.next();
      if (step.kind === "end") return active;
      if (step.kind === "damaged") throw corruptEntry(segment.path, step);
      active.note(step.header);
    }
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Removes a segment and its index, and makes that durable: segments go one by
 * one, so that no crash leaves a gap between them.
 */
export async function removeSegment(
  disk: Disk,
  directory: string,
  firstIndex: LogIndex,
): Promise<void> {
  const indexPath = logFilePath(directory, "index", firstIndex);
  if (disk.exists(indexPath)) disk.remove(indexPath);
  disk.remove(logFilePath(directory, "segment", firstIndex));
  await disk.syncDirectory(directory);
}
