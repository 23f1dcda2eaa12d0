/**
 * Reads every entry of a log directory without changing it: for
 * `proglog log verify` and `proglog log dump`. Yields findings; prints nothing.
 */

import type { Disk } from "../env.ts";
import { ProglogError } from "../errors.ts";
import { type Entry, entryAt } from "./entry.ts";
import { EntryScanner } from "./entry_scanner.ts";
import { describeFault } from "./log_errors.ts";
import type { LogPoint } from "./log_point.ts";
import { checkRecords } from "./record_walk.ts";
import { findSegments, type FoundSegment } from "./segment_files.ts";
import { SEGMENT_HEADER_BYTES, type SegmentHeader } from "./segment_header.ts";

export type LogFinding =
  | {
    readonly kind: "segment";
    readonly file: string;
    readonly sizeBytes: number;
    readonly header: SegmentHeader;
  }
  | {
    readonly kind: "entry";
    readonly file: string;
    readonly position: number;
    /** Its bytes are valid until the next finding. */
    readonly entry: Entry;
  }
  | {
    readonly kind: "damage";
    readonly file: string;
    readonly position: number;
    readonly reason: string;
  };

/**
 * Everything in a log, in order, with all damage: goes on with the next segment
 * after a damaged one. The end of the last segment may be a torn tail, which
 * opening the log would cut. Throws `not_found`, `disk_failed`, and `corrupt`
 * for a foreign file.
 */
export function* walkLog(
  disk: Disk,
  directory: string,
): Generator<LogFinding, void> {
  const segments = findSegments(disk, directory);
  if (segments.length === 0) {
    throw new ProglogError("not_found", `Cannot find a log in ${directory}`);
  }
  let end: LogPoint | null = null;
  for (const segment of segments) {
    end = yield* walkSegment(disk, segment, end);
  }
}

function* walkSegment(
  disk: Disk,
  { path, header, sizeBytes }: FoundSegment,
  after: LogPoint | null,
): Generator<LogFinding, LogPoint | null> {
  const file = path;
  if (header === null) {
    yield {
      kind: "damage",
      file,
      position: 0,
      reason: "its header is damaged",
    };
    return null;
  }
  yield { kind: "segment", file, sizeBytes, header };
  const { start } = header;
  if (
    after !== null &&
    (after.index !== start.index || after.offset !== start.offset)
  ) {
    const reason =
      `it begins after index ${start.index}, the segment before ends at ${after.index}`;
    yield { kind: "damage", file, position: 0, reason };
  }
  return yield* walkEntries(disk, { path, header, sizeBytes });
}

function* walkEntries(
  disk: Disk,
  { path, header, sizeBytes }: {
    readonly path: string;
    readonly header: SegmentHeader;
    readonly sizeBytes: number;
  },
): Generator<LogFinding, LogPoint | null> {
  const file = disk.open(path, "existing");
  try {
    const scanner = new EntryScanner(file, {
      salt: header.salt,
      from: SEGMENT_HEADER_BYTES,
      end: sizeBytes,
      after: header.start,
    });
    while (true) {
      const step = scanner.next();
      if (step.kind === "end") return scanner.point;
      const { position } = step;
      if (step.kind === "damaged") {
        const reason = describeFault(step.reason);
        yield { kind: "damage", file: path, position, reason };
        return null;
      }
      const entry = entryAt(step.window, step.at, step.header);
      const fault = recordFault(entry);
      if (fault === null) yield { kind: "entry", file: path, position, entry };
      else yield { kind: "damage", file: path, position, reason: fault };
    }
  } finally {
    file.close();
  }
}

/** Records that do not match their entry: a bug of a writer, not of the disk. */
function recordFault(
  { kind, codec, records, recordCount }: Entry,
): string | null {
  if (kind !== "data" || codec !== "none") return null;
  const check = checkRecords(records);
  if (!check.ok) return `its records are broken: ${check.reason}`;
  return check.count === recordCount
    ? null
    : `it holds ${check.count} records and says ${recordCount}`;
}

export interface LogSummary {
  readonly segments: number;
  readonly entries: number;
  readonly records: number;
  readonly bytes: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lowestOffset: number;
  readonly nextOffset: number;
  readonly damage: readonly Extract<LogFinding, { kind: "damage" }>[];
}

/** Reads all of a log and says what is in it. */
export function verifyLogFiles(disk: Disk, directory: string): LogSummary {
  const summary = {
    segments: 0,
    entries: 0,
    records: 0,
    bytes: 0,
    firstIndex: 0,
    lastIndex: 0,
    lowestOffset: 0,
    nextOffset: 0,
    damage: [] as Extract<LogFinding, { kind: "damage" }>[],
  };
  for (const finding of walkLog(disk, directory)) {
    if (finding.kind === "damage") summary.damage.push(finding);
    else if (finding.kind === "segment") {
      const { start } = finding.header;
      if (summary.segments === 0) {
        summary.firstIndex = start.index + 1;
        summary.lowestOffset = summary.nextOffset = start.offset;
        summary.lastIndex = start.index;
      }
      summary.segments += 1;
      summary.bytes += finding.sizeBytes;
    } else {
      const { index, baseOffset, recordCount } = finding.entry;
      summary.entries += 1;
      summary.records += recordCount;
      summary.lastIndex = index;
      summary.nextOffset = baseOffset + recordCount;
    }
  }
  return summary;
}
