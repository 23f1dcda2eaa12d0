/**
 * Deliberate bugs of the log. Only the simulator's mutation check passes any, as
 * those of core/raft/faults.ts; the agent never does, and `NO_LOG_FAULTS` is the
 * default. Called by recovery_scan.ts when it has found damage.
 */

import { byteWindow } from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import type { DiskFile } from "../env.ts";
import {
  ENTRY_HEADER_BYTES,
  type EntryPlace,
  peekEntryLength,
  sealPlace,
} from "./entry.ts";

/** "trust_torn_tail": an entry is believed as soon as its header is there. */
export type LogFault = "trust_torn_tail";

export type LogFaults = ReadonlySet<LogFault>;

export const NO_LOG_FAULTS: LogFaults = new Set();

/**
 * Makes a whole entry of a torn one, with zeros for what the crash took and a
 * checksum that fits. False where there is not even a header.
 */
export function believeTornEntry(file: DiskFile, place: EntryPlace): boolean {
  const header = byteWindow(new Uint8Array(ENTRY_HEADER_BYTES));
  const count = file.readAt(header.bytes, place.position);
  const length = peekEntryLength(header, 0, count);
  if (typeof length === "string") return false;
  const entry = byteWindow(new Uint8Array(length));
  file.readAt(entry.bytes, place.position);
  entry.view.setUint32(4, crc32(entry.bytes.subarray(16)));
  const unsyncedEntries = entry.view.getUint32(8);
  sealPlace(entry, 0, { ...place, unsyncedEntries });
  file.writeAt(entry.bytes, place.position);
  return true;
}
