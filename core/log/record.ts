/**
 * Records as bytes: what ProduceRequest.records is on the wire is what lies on
 * disk. Each record is field 11, length-delimited, of whatever message carries
 * it; so batches are joined by joining their bytes.
 *
 *   5a <varint length> <fields of log.v1.Record>
 *
 *   field       number  wire type  tag byte
 *   value            1  length     0a
 *   offset           2  varint     10   set by the server, never stored
 *   term             3  varint     18   set by the server, never stored
 *   type             4  varint     20
 *   key             10  length     52
 *   headers         11  length     5a   { name = 1 (0a), value = 2 (12) }
 *   timestamp_ms    12  varint     60
 *
 * This file encodes; record_walk.ts checks and reads.
 */

import { assert } from "../assert.ts";

export const RECORD_TAG = 0x5a;
export const VALUE_TAG = 0x0a;
export const TYPE_TAG = 0x20;
export const KEY_TAG = 0x52;
export const HEADER_TAG = 0x5a;
export const TIMESTAMP_TAG = 0x60;
export const HEADER_NAME_TAG = 0x0a;
export const HEADER_VALUE_TAG = 0x12;

export interface RecordHeader {
  readonly name: string;
  readonly value: Uint8Array;
}

export interface NewRecord {
  readonly value: Uint8Array;
  readonly key?: Uint8Array;
  readonly headers?: readonly RecordHeader[];
  /** The producer's own time, milliseconds since the epoch; 0 means none. */
  readonly timestampMs?: number;
  /** Entry type of the reference's Raft log; 0 for records of clients. */
  readonly type?: number;
}

const utf8 = new TextEncoder();

/** The bytes of `records`, joined. Empty fields are left out, as proto3 does. */
export function encodeRecords(
  records: readonly NewRecord[],
): Uint8Array<ArrayBuffer> {
  const sized = records.map(sizeRecord);
  let length = 0;
  for (const { bodyLength } of sized) {
    length += 1 + varintLength(bodyLength) + bodyLength;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const { record, names, bodyLength } of sized) {
    at = writeLength(bytes, at, { tag: RECORD_TAG, length: bodyLength });
    at = writeBody(bytes, at, { record, names });
  }
  return bytes;
}

function sizeRecord(record: NewRecord) {
  const names = (record.headers ?? []).map(({ name }) => utf8.encode(name));
  let bodyLength = fieldLength(record.value) + fieldLength(record.key);
  if (record.type) bodyLength += 1 + varintLength(record.type);
  if (record.timestampMs) bodyLength += 1 + varintLength(record.timestampMs);
  (record.headers ?? []).forEach(({ value }, i) => {
    const length = fieldLength(names[i]) + fieldLength(value);
    bodyLength += 1 + varintLength(length) + length;
  });
  return { record, names, bodyLength };
}

function writeBody(
  bytes: Uint8Array,
  start: number,
  { record, names }: {
    readonly record: NewRecord;
    readonly names: readonly Uint8Array[];
  },
): number {
  let at = writeField(bytes, start, { tag: VALUE_TAG, value: record.value });
  if (record.type) {
    bytes[at] = TYPE_TAG;
    at = writeVarint(bytes, at + 1, record.type);
  }
  at = writeField(bytes, at, { tag: KEY_TAG, value: record.key });
  (record.headers ?? []).forEach(({ value }, i) => {
    const length = fieldLength(names[i]) + fieldLength(value);
    at = writeLength(bytes, at, { tag: HEADER_TAG, length });
    at = writeField(bytes, at, { tag: HEADER_NAME_TAG, value: names[i] });
    at = writeField(bytes, at, { tag: HEADER_VALUE_TAG, value });
  });
  if (record.timestampMs) {
    bytes[at] = TIMESTAMP_TAG;
    at = writeVarint(bytes, at + 1, record.timestampMs);
  }
  return at;
}

function fieldLength(value: Uint8Array | undefined): number {
  if (value === undefined || value.length === 0) return 0;
  return 1 + varintLength(value.length) + value.length;
}

function writeField(
  bytes: Uint8Array,
  at: number,
  { tag, value }: {
    readonly tag: number;
    readonly value: Uint8Array | undefined;
  },
): number {
  if (value === undefined || value.length === 0) return at;
  const valueAt = writeLength(bytes, at, { tag, length: value.length });
  bytes.set(value, valueAt);
  return valueAt + value.length;
}

function writeLength(
  bytes: Uint8Array,
  at: number,
  { tag, length }: { readonly tag: number; readonly length: number },
): number {
  bytes[at] = tag;
  return writeVarint(bytes, at + 1, length);
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    length += 1;
  }
  return length;
}

function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  assert(
    Number.isSafeInteger(value) && value >= 0,
    `Cannot write ${value} as a varint`,
  );
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = rest % 0x80 | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}
