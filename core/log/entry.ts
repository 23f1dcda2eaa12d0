/**
 * One entry of the log as bytes: a fixed header, opaque meta bytes, records.
 * Encodes and checks; knows no files. The layout is permanent (see
 * docs/log_format.md); a change of it is a new version in the magic.
 *
 *    0  4  magic "plg", version 1
 *    4  4  crc: CRC-32 of bytes 16..length
 *    8  4  unsynced: entries right before this one not known durable when written
 *   12  4  place check: CRC-32 of bytes 0..12, seeded with salt XOR file position
 *   16  4  length of the whole entry in bytes, this header included
 *   20  1  kind: 1 data, 2 noop, 3 configuration, 4 control
 *   21  1  codec of the records: 0 none, 1 zstd
 *   22  2  reserved, zero
 *   24  8  index
 *   32  8  term
 *   40  8  base offset: of the first record, or of the next one if there is none
 *   48  8  append time, milliseconds since the epoch
 *   56  4  record count: at least 1 for data, 0 for other kinds
 *   60  4  meta length in bytes
 *   64     meta, then records up to length
 *
 * Bytes 8..16 belong to one place in one file and are written by `sealPlace`;
 * all others travel between nodes unchanged.
 */

import { assert } from "../assert.ts";
import {
  allocateWindow,
  type ByteWindow,
  readU64,
  writeU64,
} from "../bytes.ts";
import { crc32 } from "../crc32.ts";
import type { LogIndex, Offset, Term } from "../ids.ts";
import { ENTRY_BYTES_MAX } from "../limits.ts";

export const ENTRY_HEADER_BYTES = 64;
/** "plg" and version 1. */
export const ENTRY_MAGIC = 0x706c6701;

const KINDS = ["data", "noop", "configuration", "control"] as const;
const CODECS = ["none", "zstd"] as const;

export type EntryKind = typeof KINDS[number];
export type Codec = typeof CODECS[number];

/** An entry to append; the log gives it its base offset. */
export interface NewEntry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  readonly codec?: Codec;
  /** How many records are in `records`; only for kind "data", and at least 1. */
  readonly recordCount?: number;
  readonly appendTimeMs: number;
  /** Opaque to the log. */
  readonly meta?: Uint8Array;
  readonly records?: Uint8Array;
}

export interface EntryHeader {
  readonly lengthBytes: number;
  readonly kind: EntryKind;
  readonly codec: Codec;
  readonly index: LogIndex;
  readonly term: Term;
  readonly baseOffset: Offset;
  readonly appendTimeMs: number;
  readonly recordCount: number;
  readonly metaLengthBytes: number;
}

/** A decoded entry; `meta` and `records` are views into the bytes it came from. */
export interface Entry extends EntryHeader {
  readonly meta: Uint8Array<ArrayBuffer>;
  readonly records: Uint8Array<ArrayBuffer>;
}

export type EntryFault =
  | "short" // fewer bytes than the header or its length says
  | "magic" // not the magic of an entry
  | "length" // a length that no entry has
  | "checksum" // the CRC does not match
  | "place" // written for another place, or bytes 8..16 are damaged
  | "field" // a field with a value that the format does not allow
  | "order"; // does not follow the entry before it

export type EntryCheck =
  | { readonly ok: true; readonly header: EntryHeader }
  | { readonly ok: false; readonly reason: EntryFault };

/** Where an entry lies: the salt of its segment and its position in the file. */
export interface EntryPlace {
  readonly salt: number;
  readonly position: number;
}

export function entryLengthBytes(entry: NewEntry): number {
  return ENTRY_HEADER_BYTES + (entry.meta?.length ?? 0) +
    (entry.records?.length ?? 0);
}

/**
 * Writes `entry` at `at` and returns its length. Bytes 8..16 are left as they
 * are for `sealPlace`.
 */
export function encodeEntry(
  entry: NewEntry & { readonly baseOffset: Offset },
  into: ByteWindow,
  at: number,
): number {
  const length = entryLengthBytes(entry);
  const metaLength = entry.meta?.length ?? 0;
  const recordCount = entry.recordCount ?? 0;
  assertEncodable(entry, recordCount, length);
  const { bytes, view } = into;
  view.setUint32(at, ENTRY_MAGIC);
  view.setUint32(at + 16, length);
  view.setUint8(at + 20, KINDS.indexOf(entry.kind) + 1);
  view.setUint8(at + 21, CODECS.indexOf(entry.codec ?? "none"));
  view.setUint16(at + 22, 0);
  writeU64(view, at + 24, entry.index);
  writeU64(view, at + 32, entry.term);
  writeU64(view, at + 40, entry.baseOffset);
  writeU64(view, at + 48, entry.appendTimeMs);
  view.setUint32(at + 56, recordCount);
  view.setUint32(at + 60, metaLength);
  if (entry.meta) bytes.set(entry.meta, at + ENTRY_HEADER_BYTES);
  if (entry.records) {
    bytes.set(entry.records, at + ENTRY_HEADER_BYTES + metaLength);
  }
  view.setUint32(at + 4, crc32(bytes.subarray(at + 16, at + length)));
  return length;
}

function assertEncodable(
  entry: NewEntry,
  recordCount: number,
  length: number,
): void {
  assert(entry.index >= 1, `Cannot encode an entry with index ${entry.index}`);
  assert(entry.term >= 1, `Cannot encode an entry with term ${entry.term}`);
  assert(
    (entry.kind === "data") === (recordCount > 0),
    `Cannot encode ${recordCount} records in an entry of kind ${entry.kind}`,
  );
  assert(
    length <= ENTRY_BYTES_MAX,
    `Cannot encode an entry of ${length} bytes as ${ENTRY_BYTES_MAX} is the limit`,
  );
}

/** One entry in a buffer of its own, as it travels between nodes. */
export function encodeEntryAlone(
  entry: NewEntry & { readonly baseOffset: Offset },
): Uint8Array<ArrayBuffer> {
  const window = allocateWindow(entryLengthBytes(entry));
  encodeEntry(entry, window, 0);
  return window.bytes;
}

/** Writes bytes 8..16 of the encoded entry at `at` for its place in a file. */
export function sealPlace(
  window: ByteWindow,
  at: number,
  place: EntryPlace & { readonly unsyncedEntries: number },
): void {
  window.view.setUint32(at + 8, place.unsyncedEntries);
  window.view.setUint32(at + 12, placeCheck(window, at, place));
}

function placeCheck(
  { bytes }: ByteWindow,
  at: number,
  place: EntryPlace,
): number {
  const seed = (place.salt ^ place.position) >>> 0;
  return crc32(bytes.subarray(at, at + 12), seed);
}

/** Whether bytes 0..16 were written for this place; says nothing of the rest. */
export function isPlacedAt(
  window: ByteWindow,
  at: number,
  place: EntryPlace,
): boolean {
  return window.view.getUint32(at + 12) === placeCheck(window, at, place);
}

/** The largest index that was known durable when this entry was written. */
export function durableIndexProvedBy(
  { view }: ByteWindow,
  at: number,
): number {
  return readU64(view, at + 24) - 1 - view.getUint32(at + 8);
}

/** Checks the entry at `at`, of which `end` bounds the bytes at hand. */
export function checkEntry(
  window: ByteWindow,
  at: number,
  end: number,
): EntryCheck {
  const length = peekEntryLength(window, at, end);
  if (typeof length === "string") return { ok: false, reason: length };
  if (length > end - at) return { ok: false, reason: "short" };
  const { bytes, view } = window;
  if (crc32(bytes.subarray(at + 16, at + length)) !== view.getUint32(at + 4)) {
    return { ok: false, reason: "checksum" };
  }
  const header = readHeader(view, at, length);
  return header === null
    ? { ok: false, reason: "field" }
    : { ok: true, header };
}

/** As `checkEntry`, and that it was written for this place. */
export function checkPlacedEntry(
  window: ByteWindow,
  range: { readonly at: number; readonly end: number },
  place: EntryPlace,
): EntryCheck {
  const check = checkEntry(window, range.at, range.end);
  if (!check.ok) return check;
  return isPlacedAt(window, range.at, place)
    ? check
    : { ok: false, reason: "place" };
}

/** The length that a header claims, before its checksum can be computed. */
export function peekEntryLength(
  { view }: ByteWindow,
  at: number,
  end: number,
): number | "short" | "magic" | "length" {
  if (end - at < ENTRY_HEADER_BYTES) return "short";
  if (view.getUint32(at) !== ENTRY_MAGIC) return "magic";
  const length = view.getUint32(at + 16);
  return length < ENTRY_HEADER_BYTES || length > ENTRY_BYTES_MAX
    ? "length"
    : length;
}

function readHeader(
  view: DataView,
  at: number,
  lengthBytes: number,
): EntryHeader | null {
  const kind = KINDS[view.getUint8(at + 20) - 1];
  const codec = CODECS[view.getUint8(at + 21)];
  const index = readU64(view, at + 24) as LogIndex;
  const term = readU64(view, at + 32) as Term;
  const baseOffset = readU64(view, at + 40) as Offset;
  const appendTimeMs = readU64(view, at + 48);
  const recordCount = view.getUint32(at + 56);
  const metaLengthBytes = view.getUint32(at + 60);
  if (
    kind === undefined || codec === undefined ||
    view.getUint16(at + 22) !== 0 || index < 1 || term < 1 ||
    (kind === "data") !== (recordCount > 0) ||
    metaLengthBytes > lengthBytes - ENTRY_HEADER_BYTES ||
    !Number.isSafeInteger(index) || !Number.isSafeInteger(term) ||
    !Number.isSafeInteger(baseOffset + recordCount) ||
    !Number.isSafeInteger(appendTimeMs)
  ) return null;
  return {
    lengthBytes,
    kind,
    codec,
    index,
    term,
    baseOffset,
    appendTimeMs,
    recordCount,
    metaLengthBytes,
  };
}

/** The checked entry at `at` with views of its meta and records. */
export function entryAt(
  { bytes }: ByteWindow,
  at: number,
  header: EntryHeader,
): Entry {
  const recordsAt = at + ENTRY_HEADER_BYTES + header.metaLengthBytes;
  return {
    ...header,
    meta: bytes.subarray(at + ENTRY_HEADER_BYTES, recordsAt),
    records: bytes.subarray(recordsAt, at + header.lengthBytes),
  };
}
