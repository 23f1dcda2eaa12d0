/**
 * Consume and ConsumeStream. A stream reads in large batches until it has
 * caught up, then sleeps until an append wakes it.
 */
import { ProglogError } from "../../core/errors.ts";
import { type Offset, offset } from "../../core/ids.ts";
import { CONSUME_BATCH_BYTES_MAX } from "../../core/limits.ts";
import { RecordCursor } from "../../core/log/record_walk.ts";
import type { MessageSink, ServerCall } from "../grpc/types.ts";
import {
  DEFAULT_LOG,
  findLog,
  type LogBackend,
  type RecordBatch,
  type ServiceBackend,
} from "./backend.ts";
import {
  CONSUME_HEAD_SIZE_MAX,
  type ConsumeRequest,
  decodeConsumeRequest,
  encodeConsumeRecord,
  prependConsumeHead,
} from "./messages.ts";

/** What the reference's form reads ahead; it sends one record a message. */
const SINGLE_READ_BYTES = 64 * 1024;
/** The message head, and the 5 bytes of gRPC before it. */
const HEADROOM_BYTES = CONSUME_HEAD_SIZE_MAX + 5;
const END_OF_TIME = offset(Number.MAX_SAFE_INTEGER);

export async function consume(
  backend: ServiceBackend,
  message: Uint8Array,
  call: ServerCall,
): Promise<Uint8Array> {
  const request = decodeConsumeRequest(message);
  const log = openForReading(backend, request, call);
  await untilFresh(log, { request, endMin: request.offset + 1, call });
  const from = resolveStart(log, request);
  const batch = readBatch(log, { request, from, end: END_OF_TIME });
  if (batch === undefined) throw outOfRange(log, from);
  if (request.batchBytesMax === 0) return firstRecord(batch);
  const start = prependHead(log, batch);
  return batch.buffer.subarray(start);
}

export async function consumeStream(
  backend: ServiceBackend,
  message: Uint8Array,
  sink: MessageSink,
  call: ServerCall,
): Promise<void> {
  const request = decodeConsumeRequest(message);
  const log = openForReading(backend, request, call);
  await untilFresh(log, { request, endMin: request.offset, call });
  const send = request.batchBytesMax === 0 ? sendSingly : sendBatch;
  const end = request.stopsAtEnd ? log.nextOffset : END_OF_TIME;
  let from = resolveStart(log, request);
  let generation = backend.guard.generation;
  while (from < end) {
    if (backend.guard.generation !== generation) {
      generation = backend.guard.generation;
      openForReading(backend, request, call);
    }
    const batch = readBatch(log, { request, from, end });
    if (batch === undefined) {
      await log.whenReadable(from, call.signal);
      if (call.signal.aborted) return;
      continue;
    }
    await send(log, batch, sink);
    from = offset(batch.baseOffset + batch.count);
  }
}

function openForReading(
  backend: ServiceBackend,
  request: ConsumeRequest,
  call: ServerCall,
): LogBackend {
  const name = request.log === "" ? DEFAULT_LOG : request.log;
  backend.guard.authorize(call, name, "consume");
  return findLog(backend, name);
}

/**
 * Once at the start: what follows is in the log's order in any case. A follower
 * may lag: that an offset is beyond the end is certain only once it is fresh.
 */
async function untilFresh(
  log: LogBackend,
  { request, endMin, call }: {
    readonly request: ConsumeRequest;
    /** The log must reach up to here for an answer, where an offset is asked for. */
    readonly endMin: number;
    readonly call: ServerCall;
  },
): Promise<void> {
  const { consistency, start } = request;
  const isBeyond = start === "offset" && endMin > log.nextOffset;
  if (consistency !== "local") {
    await log.readBarrier?.(consistency, call.signal);
  } else if (isBeyond) await log.readBarrier?.("linearizable", call.signal);
}

function resolveStart(log: LogBackend, request: ConsumeRequest): Offset {
  const { lowestOffset, nextOffset } = log;
  switch (request.start) {
    case "earliest":
      return lowestOffset;
    case "latest":
      return nextOffset;
    case "tail":
      return offset(Math.max(lowestOffset, nextOffset - request.offset));
    case "time":
      return log.offsetAtTime(request.offset);
    case "offset": {
      const from = offset(request.offset);
      if (from < lowestOffset || from > nextOffset) throw outOfRange(log, from);
      return from;
    }
  }
}

function readBatch(
  log: LogBackend,
  { request, from, end }: {
    request: ConsumeRequest;
    from: Offset;
    end: Offset;
  },
): RecordBatch | undefined {
  if (from < log.lowestOffset) throw outOfRange(log, from);
  return log.read({
    offset: from,
    bytesMax: request.batchBytesMax === 0
      ? SINGLE_READ_BYTES
      : Math.min(request.batchBytesMax, CONSUME_BATCH_BYTES_MAX),
    offsetEnd: end,
    headroomBytes: HEADROOM_BYTES,
  });
}

async function sendBatch(
  log: LogBackend,
  batch: RecordBatch,
  sink: MessageSink,
): Promise<void> {
  const start = prependHead(log, batch);
  if (!sink.sendWithHeadroom(batch.buffer, start)) await sink.drained();
}

async function sendSingly(
  _log: LogBackend,
  batch: RecordBatch,
  sink: MessageSink,
): Promise<void> {
  for (const message of singleRecords(batch)) {
    if (!sink.send(message)) await sink.drained();
  }
}

function prependHead(log: LogBackend, batch: RecordBatch): number {
  return prependConsumeHead(batch.buffer, {
    baseOffset: batch.baseOffset,
    count: batch.count,
    appendTimeMs: batch.appendTimeMs,
    nextOffset: log.nextOffset,
    recordsStart: batch.recordsStart,
  });
}

function firstRecord(batch: RecordBatch): Uint8Array {
  for (const message of singleRecords(batch)) return message;
  throw new ProglogError("corrupt", "A batch of the log has no record");
}

function* singleRecords(batch: RecordBatch): Generator<Uint8Array> {
  const { buffer, term } = batch;
  const range = { from: batch.recordsStart, end: buffer.length };
  const cursor = new RecordCursor(buffer, range);
  for (let offset = batch.baseOffset; cursor.next(); offset++) {
    const record = buffer.subarray(cursor.bodyStart, cursor.end);
    yield encodeConsumeRecord({ record, offset, term });
  }
}

function outOfRange(log: LogBackend, from: Offset): ProglogError {
  const { lowestOffset, nextOffset } = log;
  const range = nextOffset === lowestOffset
    ? `the log is empty and its next offset is ${nextOffset}`
    : `the log has ${lowestOffset} to ${nextOffset - 1}`;
  return new ProglogError(
    "offset_out_of_range",
    `offset out of range: ${from} (${range})`,
    {
      details: {
        offset: from,
        lowest_offset: lowestOffset,
        highest_offset: nextOffset - 1,
      },
    },
  );
}
