/**
 * Walks the bytes of records (layout: record.ts): checks what a client sent,
 * skips, and reads field by field without an object per record.
 */

import { assert } from "../assert.ts";
import {
  HEADER_NAME_TAG,
  HEADER_TAG,
  HEADER_VALUE_TAG,
  KEY_TAG,
  type NewRecord,
  RECORD_TAG,
  type RecordHeader,
  TIMESTAMP_TAG,
  TYPE_TAG,
  VALUE_TAG,
} from "./record.ts";

export type RecordFault =
  | "not_a_record" // something other than field 11 between records
  | "truncated" // a length or a number runs past its end
  | "wire_type" // a field of ours in another wire type, or a group
  | "server_field"; // offset or term, which only the server sets

export type RecordCheck =
  | { readonly ok: true; readonly count: number }
  | {
    readonly ok: false;
    readonly reason: RecordFault;
    readonly position: number;
  };

export interface DecodedRecord extends Required<NewRecord> {
  readonly value: Uint8Array;
}

const OFFSET_FIELD = 2;
const TERM_FIELD = 3;
const VARINT_BYTES_MAX = 10;
/** Wire type of each field of ours, by field number; -1 where there is none. */
const WIRE_TYPES = [-1, 2, 0, 0, 0, -1, -1, -1, -1, -1, 2, 2, 0];

/** Checks bytes that a client sent. Positions count from the start of `bytes`. */
export function checkRecords(bytes: Uint8Array): RecordCheck {
  const cursor = new RecordCursor(bytes);
  let count = 0;
  while (cursor.next()) count += 1;
  return cursor.fault === null
    ? { ok: true, count }
    : { ok: false, reason: cursor.fault, position: cursor.faultPosition };
}

/** Position behind `count` records from `from` on; for checked bytes. */
export function skipRecords(
  bytes: Uint8Array,
  from: number,
  count: number,
): number {
  let at = from;
  for (let i = 0; i < count; i++) at = recordEnd(bytes, at);
  return at;
}

/** Where the record at `at` ends; for checked bytes. */
export function recordEnd(bytes: Uint8Array, at: number): number {
  assert(bytes[at] === RECORD_TAG, `Cannot find a record at byte ${at}`);
  let length = 0;
  let scale = 1;
  let next = at + 1;
  while (true) {
    const byte = bytes[next++] ?? 0;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return next + length;
    scale *= 0x80;
  }
}

/**
 * Steps over records. After `next()` returned true, the fields tell where the
 * parts of that record lie; it stops at the first fault.
 */
export class RecordCursor {
  readonly bytes: Uint8Array;
  /** The record with its tag and length: `start..end`. */
  start = 0;
  end = 0;
  /** Its fields, without tag and length: `bodyStart..end`. */
  bodyStart = 0;
  /** The value: `valueStart..valueEnd`; empty if the record has none. */
  valueStart = 0;
  valueEnd = 0;
  keyStart = 0;
  keyEnd = 0;
  type = 0;
  timestampMs = 0;
  headerCount = 0;
  fault: RecordFault | null = null;
  faultPosition = 0;
  readonly #limit: number;
  /** Where the number that was read last ends; -1 if it runs past its limit. */
  #at = 0;

  constructor(
    bytes: Uint8Array,
    range: { readonly from: number; readonly end: number } = {
      from: 0,
      end: bytes.length,
    },
  ) {
    this.bytes = bytes;
    this.end = range.from;
    this.#limit = range.end;
  }

  next(): boolean {
    const { bytes } = this;
    const start = this.end;
    if (start >= this.#limit || this.fault !== null) return false;
    if (bytes[start] !== RECORD_TAG) return this.#fail("not_a_record", start);
    const length = this.#readVarint(start + 1, this.#limit);
    if (length > this.#limit - this.#at) return this.#fail("truncated", start);
    this.start = start;
    this.bodyStart = this.#at;
    this.end = this.#at + length;
    this.valueStart =
      this.valueEnd =
      this.keyStart =
      this.keyEnd =
        this.#at;
    this.type = this.timestampMs = this.headerCount = 0;
    return this.#readFields(this.#at, this.end);
  }

  /** The headers of the current record; allocates. */
  headers(): RecordHeader[] {
    const headers: RecordHeader[] = [];
    let at = skipVarint(this.bytes, this.start + 1);
    while (at < this.end && headers.length < this.headerCount) {
      const tag = this.#readVarint(at, this.end);
      const from = this.#at;
      at = this.#skipField(tag, from, this.end);
      if (tag !== HEADER_TAG) continue;
      const length = this.#readVarint(from, this.end);
      headers.push(this.#readHeader(at - length, at));
    }
    return headers;
  }

  #readFields(from: number, end: number): boolean {
    let at = from;
    while (at < end) {
      const fieldAt = at;
      const tag = this.#readVarint(at, end);
      const number = Math.floor(tag / 8);
      const bodyAt = this.#at;
      at = this.#skipField(tag, bodyAt, end);
      if (at > end) return this.#fail("truncated", fieldAt);
      if (number === OFFSET_FIELD || number === TERM_FIELD) {
        return this.#fail("server_field", fieldAt);
      }
      const expected = WIRE_TYPES[number] ?? -1;
      if (at < 0 || number === 0 || (expected >= 0 && expected !== tag % 8)) {
        return this.#fail("wire_type", fieldAt);
      }
      if (!this.#keepField(tag, bodyAt, at)) {
        return this.#fail("truncated", fieldAt);
      }
    }
    return true;
  }

  /** Remembers a known field, whose content is `from..end`. */
  #keepField(tag: number, from: number, end: number): boolean {
    switch (tag) {
      case VALUE_TAG:
        this.valueStart = skipVarint(this.bytes, from);
        this.valueEnd = end;
        return true;
      case KEY_TAG:
        this.keyStart = skipVarint(this.bytes, from);
        this.keyEnd = end;
        return true;
      case TYPE_TAG:
        this.type = this.#readVarint(from, end);
        return true;
      case TIMESTAMP_TAG:
        this.timestampMs = this.#readVarint(from, end);
        return true;
      case HEADER_TAG:
        this.headerCount += 1;
        return this.#isHeader(skipVarint(this.bytes, from), end);
      default:
        return true;
    }
  }

  #isHeader(from: number, end: number): boolean {
    let at = from;
    while (at < end) {
      const tag = this.#readVarint(at, end);
      at = this.#skipField(tag, this.#at, end);
      if (at < 0 || at > end) return false;
    }
    return true;
  }

  #readHeader(from: number, end: number): RecordHeader {
    let name = "";
    let value = this.bytes.subarray(from, from);
    let at = from;
    while (at < end) {
      const tag = this.#readVarint(at, end);
      const bodyAt = this.#at;
      at = this.#skipField(tag, bodyAt, end);
      const content = this.bytes.subarray(skipVarint(this.bytes, bodyAt), at);
      if (tag === HEADER_NAME_TAG) name = new TextDecoder().decode(content);
      if (tag === HEADER_VALUE_TAG) value = content;
    }
    return { name, value };
  }

  /** End of a field's content; past `end` if it is cut, -1 for a group. */
  #skipField(tag: number, at: number, end: number): number {
    switch (tag % 8) {
      case 0:
        this.#readVarint(at, end);
        return this.#at;
      case 1:
        return at + 8;
      case 2: {
        const length = this.#readVarint(at, end);
        return this.#at + length;
      }
      case 5:
        return at + 4;
      default:
        return at > end ? at : -1;
    }
  }

  /** Leaves `#at` behind the number, or past `end` if there is no whole one. */
  #readVarint(from: number, end: number): number {
    const { bytes } = this;
    if (from < end) {
      const first = bytes[from] ?? 0;
      if (first < 0x80) {
        this.#at = from + 1;
        return first;
      }
    }
    let value = 0;
    let scale = 1;
    const last = Math.min(end, from + VARINT_BYTES_MAX);
    for (let at = from; at < last; at++) {
      const byte = bytes[at] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#at = at + 1;
        return value;
      }
      scale *= 0x80;
    }
    this.#at = end + 1;
    return 0;
  }

  #fail(reason: RecordFault, position: number): false {
    this.fault = reason;
    this.faultPosition = position;
    return false;
  }
}

/** The record that begins at `at`, with views into `bytes`. */
export function decodeRecord(bytes: Uint8Array, at: number): DecodedRecord {
  const cursor = new RecordCursor(bytes, { from: at, end: bytes.length });
  assert(cursor.next(), `Cannot decode a record at byte ${at}`);
  return recordOf(cursor);
}

/** All records of checked bytes as objects; for tools and tests. */
export function decodeRecords(bytes: Uint8Array): DecodedRecord[] {
  const cursor = new RecordCursor(bytes);
  const records: DecodedRecord[] = [];
  while (cursor.next()) records.push(recordOf(cursor));
  return records;
}

function recordOf(cursor: RecordCursor): DecodedRecord {
  const { bytes } = cursor;
  return {
    value: bytes.subarray(cursor.valueStart, cursor.valueEnd),
    key: bytes.subarray(cursor.keyStart, cursor.keyEnd),
    headers: cursor.headers(),
    timestampMs: cursor.timestampMs,
    type: cursor.type,
  };
}

function skipVarint(bytes: Uint8Array, from: number): number {
  let at = from;
  while ((bytes[at] ?? 0) >= 0x80) at += 1;
  return at + 1;
}
