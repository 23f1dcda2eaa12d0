/**
 * Builds the `records` bytes of a ProduceRequest in one growing buffer (layout:
 * core/log/record.ts). No object per record on the way of plain values.
 * Callers: the client, `proglog produce`.
 */
import { encodeRecords, type NewRecord } from "../../core/log/record.ts";
import { TAG_RECORDS } from "../rpc/messages.ts";
import { sizeVarint, WIRE_BYTES, WireWriter } from "../rpc/wire.ts";

export interface EncodedRecords {
  readonly records: Uint8Array;
  readonly count: number;
}

const TAG_VALUE = 1 * 8 + WIRE_BYTES;
/** Two tags and two lengths. */
const VALUE_OVERHEAD_BYTES = 18;

export class RecordBuilder {
  #writer = new WireWriter(new Uint8Array(4096));
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get size(): number {
    return this.#writer.position;
  }

  add(record: NewRecord): void {
    const encoded = encodeRecords([record]);
    this.#reserve(encoded.length);
    this.#writer.raw(encoded);
    this.#count += 1;
  }

  /** The common case: a value and nothing else, given as a part of `bytes`. */
  addValue(bytes: Uint8Array, range: { start: number; end: number }): void {
    const length = range.end - range.start;
    this.#reserve(length + VALUE_OVERHEAD_BYTES);
    const writer = this.#writer;
    writer.varint(TAG_RECORDS);
    writer.varint(length === 0 ? 0 : 1 + sizeVarint(length) + length);
    if (length > 0) {
      writer.varint(TAG_VALUE);
      writer.varint(length);
      writer.raw(bytes.subarray(range.start, range.end));
    }
    this.#count += 1;
  }

  /** What was added since the last call, in a buffer of its own. */
  take(): EncodedRecords {
    const { bytes, position } = this.#writer;
    const taken = { records: bytes.slice(0, position), count: this.#count };
    this.#writer.position = 0;
    this.#count = 0;
    return taken;
  }

  #reserve(size: number): void {
    const { bytes, position } = this.#writer;
    if (position + size <= bytes.length) return;
    const larger = new Uint8Array(Math.max(position + size, bytes.length * 2));
    larger.set(bytes.subarray(0, position));
    this.#writer = new WireWriter(larger, position);
  }
}
