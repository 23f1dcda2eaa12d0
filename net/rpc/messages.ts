/**
 * Hand-written codecs of the four hot messages of log.v1 (see log.proto). They
 * hand `records` through as the bytes that lie in the log, where generated code
 * would build an object per record. Tested against the generated code.
 * Everything that is not Produce or Consume uses `gen/`.
 */
import { concatBytes } from "../../core/bytes.ts";
import {
  encodeText,
  sizeVarint,
  WIRE_BYTES,
  WIRE_FIXED64,
  WIRE_VARINT,
  WireReader,
  WireWriter,
} from "./wire.ts";

/** Tag byte of `record`, field 1 of ProduceRequest. */
const TAG_RECORD = 1 * 8 + WIRE_BYTES;
/** Tag byte of `records`, field 11 of ProduceRequest and ConsumeResponse. */
export const TAG_RECORDS = 11 * 8 + WIRE_BYTES;

/** The most bytes that `prependConsumeHead` writes. */
export const CONSUME_HEAD_SIZE_MAX = 4 * (1 + 8);

export const AT_END_STOP = 1;
export type Start = "offset" | "earliest" | "latest" | "tail" | "time";
const STARTS: readonly Start[] = [
  "offset",
  "earliest",
  "latest",
  "tail",
  "time",
];

export type Consistency = "local" | "leader" | "linearizable";
const CONSISTENCIES: readonly Consistency[] = [
  "local",
  "leader",
  "linearizable",
];

export interface ProduceRequest {
  readonly log: string;
  /** Fields number 11, one after another: what the log stores. */
  readonly records: Uint8Array;
  readonly producerId: bigint;
  readonly sequence: number;
}

export interface ProduceResponse {
  readonly offset: number;
  readonly count: number;
}

export interface ConsumeRequest {
  readonly offset: number;
  readonly log: string;
  /** 0 asks for one record a message, as the reference does. */
  readonly batchBytesMax: number;
  readonly stopsAtEnd: boolean;
  readonly start: Start;
  readonly consistency: Consistency;
}

export interface ConsumeBatch {
  readonly baseOffset: number;
  readonly count: number;
  readonly appendTimeMs: number;
  readonly nextOffset: number;
  readonly records: Uint8Array;
}

/**
 * Reads a ProduceRequest. A single `record` differs from one of `records` only
 * in its tag byte, which is changed in place: `bytes` must be the caller's own.
 */
export function decodeProduceRequest(bytes: Uint8Array): ProduceRequest {
  const reader = new WireReader(bytes);
  const runs = new RecordRuns(bytes);
  let log = "";
  let producerId = 0n;
  let sequence = 0;
  while (!reader.isAtEnd) {
    const start = reader.position;
    const tag = reader.tag();
    switch (tag) {
      case TAG_RECORD:
        reader.skip(tag);
        bytes[start] = TAG_RECORDS;
        runs.add({ start, end: reader.position });
        break;
      case TAG_RECORDS:
        reader.skip(tag);
        runs.add({ start, end: reader.position });
        break;
      case 10 * 8 + WIRE_BYTES:
        log = reader.text();
        break;
      case 12 * 8 + WIRE_FIXED64:
        producerId = reader.fixed64();
        break;
      case 13 * 8 + WIRE_VARINT:
        sequence = reader.varint();
        break;
      default:
        reader.skip(tag);
    }
  }
  return { log, records: runs.bytes(), producerId, sequence };
}

export function encodeProduceRequest(request: ProduceRequest): Uint8Array {
  const log = encodeText(request.log);
  const size = request.records.length + log.length + 32;
  const writer = new WireWriter(new Uint8Array(size));
  writer.data({ field: 10, value: log });
  writer.fixed64({ field: 12, value: request.producerId });
  writer.uint({ field: 13, value: request.sequence });
  writer.raw(request.records);
  return writer.written();
}

/** `count` is left out for one record, so that reference clients see what they know. */
export function encodeProduceResponse(response: ProduceResponse): Uint8Array {
  const writer = new WireWriter(new Uint8Array(16));
  writer.uint({ field: 1, value: response.offset });
  if (response.count > 1) writer.uint({ field: 10, value: response.count });
  return writer.written();
}

export function decodeProduceResponse(bytes: Uint8Array): ProduceResponse {
  const reader = new WireReader(bytes);
  let offset = 0;
  let count = 1;
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    if (tag === 1 * 8 + WIRE_VARINT) offset = reader.varint();
    else if (tag === 10 * 8 + WIRE_VARINT) count = reader.varint();
    else reader.skip(tag);
  }
  return { offset, count };
}

export function decodeConsumeRequest(bytes: Uint8Array): ConsumeRequest {
  const reader = new WireReader(bytes);
  let offset = 0;
  let log = "";
  let batchBytesMax = 0;
  let atEnd = 0;
  let start = 0;
  let consistency = 0;
  while (!reader.isAtEnd) {
    const tag = reader.tag();
    switch (tag) {
      case 1 * 8 + WIRE_VARINT:
        offset = reader.varint();
        break;
      case 10 * 8 + WIRE_BYTES:
        log = reader.text();
        break;
      case 11 * 8 + WIRE_VARINT:
        batchBytesMax = reader.varint();
        break;
      case 12 * 8 + WIRE_VARINT:
        atEnd = reader.varint();
        break;
      case 13 * 8 + WIRE_VARINT:
        start = reader.varint();
        break;
      case 14 * 8 + WIRE_VARINT:
        consistency = reader.varint();
        break;
      default:
        reader.skip(tag);
    }
  }
  return {
    offset,
    log,
    batchBytesMax,
    stopsAtEnd: atEnd === AT_END_STOP,
    start: STARTS[start] ?? "offset",
    // A level of a later version is at least as strict as the strictest one here.
    consistency: CONSISTENCIES[consistency] ?? "linearizable",
  };
}

export function encodeConsumeRequest(request: ConsumeRequest): Uint8Array {
  const log = encodeText(request.log);
  const writer = new WireWriter(new Uint8Array(48 + log.length));
  writer.uint({ field: 1, value: request.offset });
  writer.data({ field: 10, value: log });
  writer.uint({ field: 11, value: request.batchBytesMax });
  writer.uint({ field: 12, value: request.stopsAtEnd ? AT_END_STOP : 0 });
  writer.uint({ field: 13, value: STARTS.indexOf(request.start) });
  writer.uint({ field: 14, value: CONSISTENCIES.indexOf(request.consistency) });
  return writer.written();
}

/**
 * Writes the fields that go before `records` into `buffer`, so that they end at
 * `recordsStart`. Returns where the message begins; it ends with the records.
 */
export function prependConsumeHead(
  buffer: Uint8Array,
  options: Omit<ConsumeBatch, "records"> & { readonly recordsStart: number },
): number {
  const writer = new WireWriter(new Uint8Array(CONSUME_HEAD_SIZE_MAX));
  writer.uint({ field: 10, value: options.baseOffset });
  writer.uint({ field: 12, value: options.count });
  writer.uint({ field: 13, value: options.appendTimeMs });
  writer.uint({ field: 14, value: options.nextOffset });
  const head = writer.written();
  const start = options.recordsStart - head.length;
  buffer.set(head, start);
  return start;
}

/**
 * One record as the reference sends it: `record` with offset and term set.
 * `record` is the encoded Record message without them.
 */
export function encodeConsumeRecord(options: {
  readonly record: Uint8Array;
  readonly offset: number;
  readonly term: number;
}): Uint8Array {
  const { record, offset, term } = options;
  const size = record.length +
    (offset === 0 ? 0 : 1 + sizeVarint(offset)) +
    (term === 0 ? 0 : 1 + sizeVarint(term));
  const writer = new WireWriter(
    new Uint8Array(1 + sizeVarint(size) + size),
  );
  writer.varint(2 * 8 + WIRE_BYTES);
  writer.varint(size);
  writer.raw(record);
  writer.uint({ field: 2, value: offset });
  writer.uint({ field: 3, value: term });
  return writer.written();
}

/** Reads a batch; a message in the reference's form has no `records`. */
export function decodeConsumeBatch(bytes: Uint8Array): ConsumeBatch {
  const reader = new WireReader(bytes);
  const runs = new RecordRuns(bytes);
  let baseOffset = 0;
  let count = 0;
  let appendTimeMs = 0;
  let nextOffset = 0;
  while (!reader.isAtEnd) {
    const start = reader.position;
    const tag = reader.tag();
    switch (tag) {
      case TAG_RECORDS:
        reader.skip(tag);
        runs.add({ start, end: reader.position });
        break;
      case 10 * 8 + WIRE_VARINT:
        baseOffset = reader.varint();
        break;
      case 12 * 8 + WIRE_VARINT:
        count = reader.varint();
        break;
      case 13 * 8 + WIRE_VARINT:
        appendTimeMs = reader.varint();
        break;
      case 14 * 8 + WIRE_VARINT:
        nextOffset = reader.varint();
        break;
      default:
        reader.skip(tag);
    }
  }
  const records = runs.bytes();
  return { baseOffset, count, appendTimeMs, nextOffset, records };
}

/** The `records` fields of a message: one view where they are neighbours, else a copy. */
class RecordRuns {
  readonly #message: Uint8Array;
  readonly #done: Uint8Array[] = [];
  #start = 0;
  #end = 0;

  constructor(message: Uint8Array) {
    this.#message = message;
  }

  add(field: { start: number; end: number }): void {
    if (field.start !== this.#end) {
      this.#flush();
      this.#start = field.start;
    }
    this.#end = field.end;
  }

  bytes(): Uint8Array {
    if (this.#done.length === 0) {
      return this.#message.subarray(this.#start, this.#end);
    }
    this.#flush();
    return concatBytes(this.#done);
  }

  #flush(): void {
    if (this.#end > this.#start) {
      this.#done.push(this.#message.subarray(this.#start, this.#end));
    }
  }
}
