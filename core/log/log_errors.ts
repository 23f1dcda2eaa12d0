/**
 * The errors of the log engine, in one place so that their wording is one.
 */

import { ProglogError } from "../errors.ts";
import type { EntryFault } from "./entry.ts";
import type { ScanStep } from "./entry_scanner.ts";

const FAULTS: Record<EntryFault, string> = {
  short: "it is cut short",
  magic: "it does not begin as an entry does",
  length: "no entry has its length",
  checksum: "its checksum does not match",
  place: "it was not written for this place",
  field: "one of its fields is out of range",
  order: "it does not follow the entry before it",
};

export function describeFault(fault: EntryFault): string {
  return FAULTS[fault];
}

/** `corrupt`, with `file` and `position` in its details. */
export function corruptFile(
  path: string,
  position: number,
  reason: string,
): ProglogError {
  return new ProglogError(
    "corrupt",
    `Cannot read position ${position} of ${path} as ${reason}`,
    { details: { file: path, position } },
  );
}

/** For a scan that should have found an entry where it stopped. */
export function corruptEntry(
  path: string,
  step: Exclude<ScanStep, { kind: "entry" }>,
): ProglogError {
  const reason = step.kind === "end"
    ? "the file ends before the entry that is looked for"
    : FAULTS[step.reason];
  return corruptFile(path, step.position, reason);
}

/** Why a log that failed to write or sync refuses further work. */
export function poisoned(action: string, cause: unknown): ProglogError {
  return new ProglogError(
    "disk_failed",
    `Cannot ${action} as an earlier write or sync of this log failed; close the log and open it again`,
    { cause },
  );
}
