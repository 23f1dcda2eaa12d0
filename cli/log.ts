/**
 * `proglog log verify DIR` and `proglog log dump DIR`, without the command line
 * around them: read the files of a log that no agent has open, and write lines
 * of JSON.
 */

import { dumpLogFiles } from "../core/log/dump.ts";
import { verifyLogFiles } from "../core/log/verify.ts";
import { createDisk } from "../net/os/disk.ts";

/** Writes one line without its line break. */
export type WriteLine = (line: string) => void;

/**
 * Checks every byte of the log in `directory` and writes one JSON object.
 * Returns whether it is undamaged. Throws `not_found` and `corrupt`.
 */
export function verifyLog(directory: string, write: WriteLine): boolean {
  const summary = verifyLogFiles(createDisk(), directory);
  const ok = summary.damage.length === 0;
  write(JSON.stringify({ ok, ...summary }));
  return ok;
}

/** Writes one JSON object for each segment, entry, record and damage. */
export function dumpLog(directory: string, write: WriteLine): void {
  for (const line of dumpLogFiles(createDisk(), directory)) {
    write(JSON.stringify(line));
  }
}
