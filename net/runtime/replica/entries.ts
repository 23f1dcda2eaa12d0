/**
 * Entries of the log and entries of Raft, one as the other: configurations are
 * the meta of entries of their kind, producer marks the meta of data entries.
 */
import { assert } from "../../../core/assert.ts";
import { byteWindow } from "../../../core/bytes.ts";
import { ProglogError } from "../../../core/errors.ts";
import { decodeEntries } from "../../../core/log/decode_entries.ts";
import { checkEntry, type Entry, entryAt } from "../../../core/log/entry.ts";
import { decodeConfiguration } from "../../../core/raft/configuration_codec.ts";
import type { ReceivedEntry } from "../../../core/raft/messages.ts";

/**
 * Checks and splits the raw entries of an append; for `decodeMessage`. Throws
 * `corrupt`.
 */
export function parseEntries(raw: Uint8Array): ReceivedEntry[] {
  const decoded = decodeEntries(raw);
  if (!decoded.ok) {
    throw new ProglogError(
      "corrupt",
      `Cannot decode entries as byte ${decoded.position} is damaged (${decoded.reason})`,
    );
  }
  let at = 0;
  return decoded.entries.map((entry) => {
    const bytes = raw.subarray(at, at + entry.lengthBytes);
    at += entry.lengthBytes;
    return receivedEntry(entry, bytes);
  });
}

function receivedEntry(entry: Entry, raw: Uint8Array): ReceivedEntry {
  const { index, term, kind, meta } = entry;
  if (kind === "configuration") {
    return { kind, index, term, raw, configuration: decodeConfiguration(meta) };
  }
  return { kind: kind === "data" ? "data" : "noop", index, term, raw };
}

/** One entry that `parseEntries` has checked before. */
export function entryOf(raw: Uint8Array): Entry {
  const window = byteWindow(raw);
  const check = checkEntry(window, 0, raw.length);
  assert(check.ok, "An entry that was checked on arrival is damaged now");
  return entryAt(window, 0, check.header);
}

/** Groups of parts that lie behind each other in one buffer. */
export function groupNeighbours(
  parts: readonly Uint8Array[],
): (readonly Uint8Array[])[] {
  const groups: Uint8Array[][] = [];
  for (const part of parts) {
    const last = groups.at(-1)?.at(-1);
    const isNeighbour = last !== undefined && last.buffer === part.buffer &&
      last.byteOffset + last.length === part.byteOffset;
    if (isNeighbour) groups.at(-1)?.push(part);
    else groups.push([part]);
  }
  return groups;
}

/** One view over a group of neighbours, so that they are written as one. */
export function joinNeighbours(group: readonly Uint8Array[]): Uint8Array {
  const [first] = group;
  assert(first !== undefined, "A group of neighbours is never empty");
  const length = group.reduce((sum, part) => sum + part.length, 0);
  return new Uint8Array(first.buffer, first.byteOffset, length);
}
