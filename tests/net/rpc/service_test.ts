import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ProglogError } from "../../../core/errors.ts";
import { encodeRecords } from "../../../core/log/record.ts";
import { StatusError } from "../../../net/grpc/status.ts";
import {
  ConsumeRequestSchema,
  ConsumeResponseSchema,
  GetServersResponseSchema,
  ProduceRequestSchema,
  ProduceResponseSchema,
} from "../../../net/rpc/gen/log/v1/log_pb.ts";
import { decodeConsumeBatch } from "../../../net/rpc/messages.ts";
import { fromStatusError } from "../../../net/rpc/status.ts";
import {
  type LogService,
  makeLogService,
  untilLeader,
} from "../../support/log_service.ts";

const text = new TextEncoder();

Deno.test("Produce and Consume round-trip a record, its value and offset (reference: TestServer/produce consume)", async () => {
  const service = await makeLogService();
  const { offset } = await produce(service, { record: recordOf("hello") });
  assert.equal(offset, 0n);
  const { record } = await consume(service, { offset: 0n });
  assert.equal(new TextDecoder().decode(record?.value), "hello");
  assert.equal(record?.offset, 0n);
  assert.equal(record?.term, 2n);
});

Deno.test("ProduceStream and ConsumeStream carry records in order (reference: TestServer/stream)", async () => {
  const service = await makeLogService();
  const { requests, responses } = service.pair.client.bidi(
    "/log.v1.Log/ProduceStream",
  );
  for (const value of ["first", "second"]) {
    requests.send(produceRequest({ record: recordOf(value) }));
  }
  requests.end();
  const offsets: bigint[] = [];
  for await (const response of responses) {
    offsets.push(fromBinary(ProduceResponseSchema, response).offset);
  }
  assert.deepEqual(offsets, [0n, 1n]);
  const stream = service.pair.client.serverStream(
    "/log.v1.Log/ConsumeStream",
    consumeRequest({ offset: 0n, atEnd: 1 }),
  );
  const values: string[] = [];
  for await (const message of stream) {
    const { record } = fromBinary(ConsumeResponseSchema, message);
    values.push(new TextDecoder().decode(record?.value));
  }
  assert.deepEqual(values, ["first", "second"]);
});

Deno.test("Consume past the end is OUT_OF_RANGE and names the bounds (reference: TestServer/past boundary)", async () => {
  const service = await makeLogService();
  await produce(service, { record: recordOf("only") });
  const status = await failure(consume(service, { offset: 7n }));
  assert.equal(status.code, 11);
  assert.match(
    status.message,
    /^offset out of range: 7 \(the log has 0 to 0\)/,
  );
  const error = fromStatusError(status);
  assert.equal(error.code, "offset_out_of_range");
  assert.deepEqual(error.details, {
    offset: "7",
    lowest_offset: "0",
    highest_offset: "0",
  });
});

Deno.test("Produce without permission is PERMISSION_DENIED (reference: TestServer/unauthorized)", async () => {
  const service = await makeLogService();
  service.policy.forbid("produce");
  const status = await failure(produce(service, { record: recordOf("x") }));
  assert.equal(status.code, 7);
  assert.equal(status.message, "root not permitted to produce to default");
});

Deno.test("Produce without a record is INVALID_ARGUMENT and poisons nothing (reference defect 13)", async () => {
  const service = await makeLogService();
  const status = await failure(produce(service, {}));
  assert.equal(status.code, 3);
  assert.match(status.message, /has no record/);
  assert.equal((await produce(service, { record: recordOf("x") })).offset, 0n);
});

Deno.test("Produce to an unknown log is NOT_FOUND and names it", async () => {
  const service = await makeLogService();
  const status = await failure(
    produce(service, { log: "orders", record: recordOf("x") }),
  );
  assert.equal(status.code, 5);
  assert.match(status.message, /"orders"/);
});

Deno.test("Produce of damaged record bytes is INVALID_ARGUMENT and names the byte", async () => {
  const service = await makeLogService();
  const call = service.pair.client.unary(
    "/log.v1.Log/Produce",
    // records = { value: 5 bytes announced, 1 there }
    Uint8Array.of(0x5a, 0x03, 0x0a, 0x05, 0x01),
  );
  const status = await failure(call);
  assert.equal(status.code, 3);
  assert.match(status.message, /damaged at byte/);
});

Deno.test("Produce ignores offset and term in records, as the reference does", async () => {
  const service = await makeLogService();
  const record = { ...recordOf("again"), offset: 99n, term: 99n };
  const { offset } = await produce(service, { record });
  assert.equal(offset, 0n);
  const consumed = await consume(service, { offset: 0n });
  assert.equal(consumed.record?.offset, 0n);
  assert.equal(consumed.record?.term, 2n);
});

Deno.test("Produce of many records is one atomic batch that keeps keys, headers and times", async () => {
  const service = await makeLogService();
  const records = [
    recordOf("a"),
    {
      ...recordOf("b"),
      key: text.encode("key"),
      headers: [{ name: "h", value: text.encode("v") }],
      timestampMs: 1_234n,
    },
  ];
  const response = await produce(service, { records });
  assert.equal(response.offset, 0n);
  assert.equal(response.count, 2);
  const batch = await consume(service, { offset: 0n, batchBytesMax: 1_000 });
  assert.equal(batch.baseOffset, 0n);
  assert.equal(batch.count, 2);
  assert.equal(batch.records[1]?.timestampMs, 1_234n);
  assert.equal(batch.records[1]?.headers[0]?.name, "h");
  assert.equal(new TextDecoder().decode(batch.records[1]?.key), "key");
});

Deno.test("Produce repeated under its idempotency key appends once and answers the first offset", async () => {
  const service = await makeLogService();
  const request = { record: recordOf("once"), producerId: 7n, sequence: 1n };
  const first = produce(service, request);
  const joined = produce(service, request);
  assert.equal((await first).offset, 0n);
  assert.equal((await joined).offset, 0n);
  assert.equal((await produce(service, request)).offset, 0n);
  assert.equal(service.log.nextOffset, 1);
});

Deno.test("Produce that skips a sequence is ABORTED and names the one that comes next", async () => {
  const service = await makeLogService();
  const record = recordOf("x");
  await produce(service, { record, producerId: 7n, sequence: 1n });
  const status = await failure(
    produce(service, { record, producerId: 7n, sequence: 3n }),
  );
  assert.equal(status.code, 10);
  assert.match(status.message, /as 2 comes next/);
});

Deno.test("idempotency keys survive a power loss", async () => {
  const service = await makeLogService();
  const request = { record: recordOf("once"), producerId: 7n, sequence: 1n };
  await produce(service, request);
  service.disk.crash({ nextU32: () => 0 });
  const reopened = await makeLogService(service.disk);
  assert.equal((await produce(reopened, request)).offset, 0n);
  assert.equal(reopened.log.nextOffset, 1);
});

Deno.test("Produce on a full disk is UNAVAILABLE, reads go on, and appends resume by themselves", async () => {
  const service = await makeLogService();
  await produce(service, { record: recordOf("before") });
  service.disk.capacityBytes = 0;
  const status = await failure(produce(service, { record: recordOf("no") }));
  assert.equal(status.code, 14);
  assert.equal(fromStatusError(status).code, "disk_full");
  assert.equal((await consume(service, { offset: 0n })).record?.offset, 0n);
  service.disk.capacityBytes = Infinity;
  await untilLeader(service);
  const after = await produce(service, { record: recordOf("after") });
  assert.equal(after.offset, 1n);
});

Deno.test("ProduceStream tells of a failure while the client waits for its answer", async () => {
  const service = await makeLogService();
  service.disk.capacityBytes = 0;
  const { requests, responses } = service.pair.client.bidi(
    "/log.v1.Log/ProduceStream",
  );
  requests.send(produceRequest({ record: recordOf("no") }));
  const status = await failure(responses.next());
  assert.equal(fromStatusError(status).code, "disk_full");
});

Deno.test("an acknowledgement waits for the sync of its record", async () => {
  const service = await makeLogService();
  const sync = Promise.withResolvers<void>();
  service.disk.beforeSync = () => sync.promise;
  let isAcknowledged = false;
  const produced = produce(service, { record: recordOf("x") }).then(() =>
    isAcknowledged = true
  );
  await turns(50);
  assert.equal(isAcknowledged, false);
  assert.equal(service.log.nextOffset, 0, "readable before it is durable");
  sync.resolve();
  await produced;
});

Deno.test("ConsumeStream waits at the end of the log and is woken by an append (reference defect 15)", async () => {
  const service = await makeLogService();
  const stream = service.pair.client.serverStream(
    "/log.v1.Log/ConsumeStream",
    consumeRequest({ offset: 0n, batchBytesMax: 1_000 }),
  );
  const next = stream.next();
  await turns(50);
  assert.equal(service.pair.time.timerCount, 0, "a waiting consumer polls");
  await produce(service, { record: recordOf("live") });
  const { value } = await next;
  assert.equal(decodeConsumeBatch(value ?? new Uint8Array()).count, 1);
  await stream.return?.();
});

Deno.test("ConsumeStream with AT_END_STOP ends at the end of the log as it was", async () => {
  const service = await makeLogService();
  await produce(service, { records: [recordOf("a"), recordOf("b")] });
  const stream = service.pair.client.serverStream(
    "/log.v1.Log/ConsumeStream",
    consumeRequest({ offset: 1n, batchBytesMax: 1_000, atEnd: 1 }),
  );
  const batches = [];
  for await (const message of stream) batches.push(decodeConsumeBatch(message));
  assert.equal(batches.length, 1);
  assert.equal(batches[0]?.baseOffset, 1);
  assert.deepEqual(
    batches[0]?.records,
    encodeRecords([{ value: text.encode("b") }]),
  );
});

Deno.test("ConsumeStream ends with PERMISSION_DENIED when the policy takes the permission away", async () => {
  const service = await makeLogService();
  await produce(service, { record: recordOf("a") });
  const stream = service.pair.client.serverStream(
    "/log.v1.Log/ConsumeStream",
    consumeRequest({ offset: 0n, batchBytesMax: 1_000 }),
  );
  await stream.next();
  service.policy.forbid("consume");
  await produce(service, { record: recordOf("b") });
  assert.equal((await failure(stream.next())).code, 7);
});

Deno.test("ConsumeStream starts where `start` says", async () => {
  const service = await makeLogService();
  const records = ["a", "b", "c", "d"].map(recordOf);
  await produce(service, { records });
  const first = async (
    request: MessageInitShape<typeof ConsumeRequestSchema>,
  ) => {
    const stream = service.pair.client.serverStream(
      "/log.v1.Log/ConsumeStream",
      consumeRequest({ ...request, batchBytesMax: 1_000, atEnd: 1 }),
    );
    const { value } = await stream.next();
    return value === undefined ? "end" : decodeConsumeBatch(value).baseOffset;
  };
  assert.equal(await first({ start: 1 }), 0);
  assert.equal(await first({ start: 2 }), "end");
  assert.equal(await first({ start: 3, offset: 3n }), 1);
  assert.equal(await first({ start: 3, offset: 300n }), 0);
  assert.equal(await first({ start: 4, offset: 0n }), 0);
});

Deno.test("GetServers names this node and that it leads", async () => {
  const { pair } = await makeLogService();
  const answer = await pair.client.unary(
    "/log.v1.Log/GetServers",
    new Uint8Array(),
  );
  const { servers } = fromBinary(GetServersResponseSchema, answer);
  assert.deepEqual(
    servers.map(({ id, rpcAddr, isLeader }) => ({ id, rpcAddr, isLeader })),
    [{ id: "one", rpcAddr: "127.0.0.1:8400", isLeader: true }],
  );
});

Deno.test("status details carry the reference's LocalizedMessage and our ErrorInfo", async () => {
  const service = await makeLogService();
  const status = await failure(consume(service, { offset: 1n }));
  const details = new TextDecoder().decode(status.details);
  assert.match(details, /google\.rpc\.LocalizedMessage/);
  assert.match(details, /The requested offset is outside of the log: 1/);
  assert.match(details, /google\.rpc\.ErrorInfo/);
  assert.ok(fromStatusError(status) instanceof ProglogError);
});

function recordOf(value: string) {
  return { value: text.encode(value) };
}

function produceRequest(
  request: MessageInitShape<typeof ProduceRequestSchema>,
): Uint8Array {
  return toBinary(ProduceRequestSchema, create(ProduceRequestSchema, request));
}

function consumeRequest(
  request: MessageInitShape<typeof ConsumeRequestSchema>,
): Uint8Array {
  return toBinary(ConsumeRequestSchema, create(ConsumeRequestSchema, request));
}

async function produce(
  { pair }: LogService,
  request: MessageInitShape<typeof ProduceRequestSchema>,
) {
  const answer = await pair.client.unary(
    "/log.v1.Log/Produce",
    produceRequest(request),
  );
  return fromBinary(ProduceResponseSchema, answer);
}

async function consume(
  { pair }: LogService,
  request: MessageInitShape<typeof ConsumeRequestSchema>,
) {
  const answer = await pair.client.unary(
    "/log.v1.Log/Consume",
    consumeRequest(request),
  );
  return fromBinary(ConsumeResponseSchema, answer);
}

async function failure(call: Promise<unknown>): Promise<StatusError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error("The call did not fail");
}

async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await Promise.resolve();
}
