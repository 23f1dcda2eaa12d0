import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  AtEnd,
  Consistency,
  ConsumeRequestSchema,
  ConsumeResponseSchema,
  ProduceRequestSchema,
  ProduceResponseSchema,
  RecordSchema,
  Start,
} from "../../../net/rpc/gen/log/v1/log_pb.ts";
import {
  CONSUME_HEAD_SIZE_MAX,
  decodeConsumeBatch,
  decodeConsumeRequest,
  decodeProduceRequest,
  decodeProduceResponse,
  encodeConsumeRecord,
  encodeConsumeRequest,
  encodeProduceRequest,
  encodeProduceResponse,
  prependConsumeHead,
} from "../../../net/rpc/messages.ts";

const numbers = fc.maxSafeNat();
const values = fc.uint8Array({ maxLength: 300 });

Deno.test("decodeProduceRequest() gives single and many records the same form", () => {
  const record = { value: Uint8Array.of(1, 2, 3) };
  const single = toBinary(
    ProduceRequestSchema,
    create(ProduceRequestSchema, { record }),
  );
  const many = toBinary(
    ProduceRequestSchema,
    create(ProduceRequestSchema, { records: [record] }),
  );
  assert.deepEqual(
    decodeProduceRequest(single).records,
    decodeProduceRequest(many).records,
  );
});

Deno.test("decodeProduceRequest() agrees with the generated code on any request", () => {
  fc.assert(fc.property(
    fc.record({
      log: fc.string({ maxLength: 20 }),
      values: fc.array(values, { maxLength: 8 }),
      producerId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      sequence: numbers,
    }),
    ({ log, values, producerId, sequence }) => {
      const message = create(ProduceRequestSchema, {
        log,
        records: values.map((value) => ({ value })),
        producerId,
        sequence: BigInt(sequence),
      });
      const read = decodeProduceRequest(
        toBinary(ProduceRequestSchema, message),
      );
      assert.equal(read.log, log);
      assert.equal(read.producerId, producerId);
      assert.equal(read.sequence, sequence);
      assert.deepEqual(read.records, recordsOf(values));
    },
  ));
});

Deno.test("decodeProduceRequest() joins records that other fields separate", () => {
  const first = recordsOf([Uint8Array.of(1)]);
  const second = recordsOf([Uint8Array.of(2)]);
  const log = toBinary(
    ProduceRequestSchema,
    create(ProduceRequestSchema, { log: "default" }),
  );
  const message = Uint8Array.of(...first, ...log, ...second);
  const read = decodeProduceRequest(message);
  assert.deepEqual(read.records, Uint8Array.of(...first, ...second));
  assert.equal(read.log, "default");
});

Deno.test("encodeProduceRequest() is read by the generated code", () => {
  const records = recordsOf([Uint8Array.of(7), Uint8Array.of()]);
  const bytes = encodeProduceRequest({
    log: "orders",
    records,
    producerId: 2n ** 63n + 5n,
    sequence: 9,
  });
  const message = fromBinary(ProduceRequestSchema, bytes);
  assert.equal(message.log, "orders");
  assert.equal(message.producerId, 2n ** 63n + 5n);
  assert.equal(message.sequence, 9n);
  assert.deepEqual(message.records.map((one) => [...one.value]), [[7], []]);
});

Deno.test("encodeProduceResponse() and its decoder agree with the generated code", () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: 1, max: 1e6 }), (offset, count) => {
      const bytes = encodeProduceResponse({ offset, count });
      const message = fromBinary(ProduceResponseSchema, bytes);
      assert.equal(message.offset, BigInt(offset));
      assert.equal(Math.max(1, message.count), count);
      assert.deepEqual(decodeProduceResponse(bytes), { offset, count });
    }),
  );
});

Deno.test("encodeConsumeRequest() and its decoder agree with the generated code", () => {
  const request = {
    offset: 5_000_000_000,
    log: "orders",
    batchBytesMax: 65_536,
    stopsAtEnd: true,
    start: "tail",
    consistency: "linearizable",
  } as const;
  const bytes = encodeConsumeRequest(request);
  const message = fromBinary(ConsumeRequestSchema, bytes);
  assert.equal(message.offset, 5_000_000_000n);
  assert.equal(message.log, "orders");
  assert.equal(message.batchBytesMax, 65_536);
  assert.equal(message.atEnd, AtEnd.STOP);
  assert.equal(message.start, Start.TAIL);
  assert.equal(message.consistency, Consistency.LINEARIZABLE);
  assert.deepEqual(decodeConsumeRequest(bytes), request);
});

Deno.test("prependConsumeHead() makes a message that both decoders read", () => {
  fc.assert(
    fc.property(numbers, numbers, fc.array(values), (base, time, values) => {
      const records = recordsOf(values);
      const buffer = new Uint8Array(CONSUME_HEAD_SIZE_MAX + records.length);
      buffer.set(records, CONSUME_HEAD_SIZE_MAX);
      const head = {
        baseOffset: base,
        count: values.length,
        appendTimeMs: time,
        nextOffset: base,
      };
      const start = prependConsumeHead(buffer, {
        ...head,
        recordsStart: CONSUME_HEAD_SIZE_MAX,
      });
      const bytes = buffer.subarray(start);
      const message = fromBinary(ConsumeResponseSchema, bytes);
      assert.equal(message.baseOffset, BigInt(base));
      assert.equal(message.appendTimeMs, BigInt(time));
      assert.equal(message.records.length, values.length);
      assert.deepEqual(decodeConsumeBatch(bytes), { ...head, records });
    }),
  );
});

Deno.test("encodeConsumeRecord() puts the record in field 2 with offset and term", () => {
  const record = toBinary(
    RecordSchema,
    create(RecordSchema, { value: Uint8Array.of(9), key: Uint8Array.of(8) }),
  );
  const bytes = encodeConsumeRecord({ record, offset: 300, term: 2 });
  assert.equal(bytes[0], 2 * 8 + 2);
  const message = fromBinary(ConsumeResponseSchema, bytes);
  assert.deepEqual([...message.record?.value ?? []], [9]);
  assert.deepEqual([...message.record?.key ?? []], [8]);
  assert.equal(message.record?.offset, 300n);
  assert.equal(message.record?.term, 2n);
});

Deno.test("decodeProduceRequest() refuses or reads any damaged request, and never throws anything else", () => {
  const bytes = encodeProduceRequest({
    log: "orders",
    records: recordsOf([Uint8Array.of(1, 2, 3, 4)]),
    producerId: 77n,
    sequence: 3,
  });
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
      const damaged = bytes.slice();
      damaged[at] = value;
      try {
        decodeProduceRequest(damaged);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "invalid_argument");
      }
    }),
    { numRuns: 2_000 },
  );
});

function recordsOf(values: readonly Uint8Array[]): Uint8Array {
  return toBinary(
    ProduceRequestSchema,
    create(ProduceRequestSchema, {
      records: values.map((value) => ({ value })),
    }),
  );
}
