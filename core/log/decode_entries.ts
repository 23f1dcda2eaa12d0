/**
 * Reads raw entries as they travel between nodes (`entriesFrom`) into objects.
 */

import { byteWindow } from "../bytes.ts";
import { checkEntry, type Entry, entryAt, type EntryFault } from "./entry.ts";

export type DecodedEntries =
  | { readonly ok: true; readonly entries: Entry[] }
  | {
    readonly ok: false;
    readonly reason: EntryFault;
    readonly position: number;
  };

/** Checks and decodes joined entries; views into `bytes`, not copies. */
export function decodeEntries(bytes: Uint8Array): DecodedEntries {
  const window = byteWindow(bytes);
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length;) {
    const check = checkEntry(window, at, bytes.length);
    if (!check.ok) return { ...check, position: at };
    entries.push(entryAt(window, at, check.header));
    at += check.header.lengthBytes;
  }
  return { ok: true, entries };
}
