/** Frames, the queue before them and the hello, as bytes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { concatBytes } from "../../../../core/bytes.ts";
import { isProglogError } from "../../../../core/errors.ts";
import {
  encodeFrame,
  FrameReader,
  MessageAssembler,
} from "../../../../net/transport/peer/frame.ts";
import {
  decodeHello,
  decodeWelcome,
  encodeHello,
  encodeWelcome,
  refusalOf,
  welcomeRefusal,
} from "../../../../net/transport/peer/hello.ts";
import {
  FRAME_PAYLOAD_MAX_BYTES,
  LANES,
  MESSAGE_MAX_BYTES,
} from "../../../../net/transport/peer/limits.ts";
import { SendQueue } from "../../../../net/transport/peer/send_queue.ts";

/** What a peer reads out of chunks: messages, and pings between them. */
function read(chunks: readonly Uint8Array[]): (Uint8Array | "ping")[] {
  const reader = new FrameReader({ payloadMaxBytes: FRAME_PAYLOAD_MAX_BYTES });
  const assembler = new MessageAssembler({ sizeMaxBytes: MESSAGE_MAX_BYTES });
  const read: (Uint8Array | "ping")[] = [];
  for (const chunk of chunks) {
    reader.push(chunk, ({ kind, payload }) => {
      if (kind === "ping") read.push("ping");
      else if (kind === "part") assembler.part(payload);
      else read.push(assembler.end(payload));
    });
  }
  return read;
}

function drain(queue: SendQueue): Uint8Array[][] {
  const taken: Uint8Array[][] = [];
  for (let next = queue.take(); next.length > 0; next = queue.take()) {
    taken.push(next);
  }
  return taken;
}

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, n) => n * 31 + (n >> 8));
}

Deno.test("messages come out as they went in, however they are cut", () => {
  const sizes = fc.oneof(
    fc.nat({ max: 300 }),
    fc.constantFrom(
      FRAME_PAYLOAD_MAX_BYTES - 1,
      FRAME_PAYLOAD_MAX_BYTES,
      FRAME_PAYLOAD_MAX_BYTES + 1,
      3 * FRAME_PAYLOAD_MAX_BYTES,
    ),
  );
  const messages = fc.array(fc.array(sizes, { maxLength: 4 }), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(messages, fc.integer({ min: 1, max: 70_000 }), (sizes, cut) => {
      const queue = new SendQueue({ queuedMaxBytes: Infinity });
      const sent = sizes.map((pieces) => pieces.map(bytesOf));
      for (const pieces of sent) assert.equal(queue.push(pieces), "queued");
      const wire = concatBytes(drain(queue).flat());
      assert.equal(queue.queuedBytes, 0);
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < wire.length; at += cut) {
        chunks.push(wire.subarray(at, at + cut));
      }
      const received = read(chunks);
      assert.deepEqual(received, sent.map(concatBytes));
    }),
    { numRuns: 60 },
  );
});

Deno.test("take() hands large pieces out uncopied and gathers small ones", () => {
  const queue = new SendQueue({ queuedMaxBytes: Infinity });
  const large = new Uint8Array(FRAME_PAYLOAD_MAX_BYTES);
  queue.push([bytesOf(10), bytesOf(20)]);
  queue.push([bytesOf(30)]);
  queue.push([large]);
  const taken = drain(queue);
  assert.deepEqual(taken.map((pieces) => pieces.map(({ length }) => length)), [
    [5, 10, 20, 5, 30, 5],
    [FRAME_PAYLOAD_MAX_BYTES],
  ]);
  assert.equal(taken[1]?.[0]?.buffer, large.buffer);
});

Deno.test("pushUrgent() goes between frames, never into one", () => {
  const queue = new SendQueue({ queuedMaxBytes: Infinity });
  queue.push([bytesOf(3 * FRAME_PAYLOAD_MAX_BYTES)]);
  const written = [queue.take()];
  queue.pushUrgent(encodeFrame("ping", new Uint8Array(0)));
  written.push(...drain(queue));
  const received = read(written.flat());
  assert.deepEqual(received.map((one) => one === "ping" ? one : one.length), [
    "ping",
    3 * FRAME_PAYLOAD_MAX_BYTES,
  ]);
});

Deno.test("push() drops a message whole when it does not fit", () => {
  const queue = new SendQueue({ queuedMaxBytes: 100 });
  assert.equal(queue.push([bytesOf(60)]), "queued");
  assert.equal(queue.push([bytesOf(60)]), "dropped");
  assert.equal(queue.push([bytesOf(30)]), "queued");
  assert.deepEqual(
    read(drain(queue).flat()).map((one) => one.length),
    [60, 30],
  );
});

Deno.test("clear() forgets the rest of a frame that was begun", () => {
  const queue = new SendQueue({ queuedMaxBytes: Infinity });
  queue.push([bytesOf(2 * FRAME_PAYLOAD_MAX_BYTES)]);
  queue.take();
  queue.clear();
  queue.push([bytesOf(3)]);
  assert.deepEqual(read(drain(queue).flat()), [bytesOf(3)]);
});

for (
  const [name, bytes] of [
    ["a frame that is too long", [0, 16, 0, 0, 5]],
    ["an unknown kind", [0, 0, 0, 0, 8]],
    ["kind 0", [0, 0, 0, 0, 0]],
  ] as const
) {
  Deno.test(`FrameReader refuses ${name} before it holds any of it`, () => {
    assert.throws(() => read([Uint8Array.from(bytes)]), { code: "corrupt" });
  });
}

Deno.test("MessageAssembler refuses a message without end", () => {
  const assembler = new MessageAssembler({ sizeMaxBytes: 10 });
  assembler.part(bytesOf(6));
  assert.throws(() => assembler.part(bytesOf(6)), { code: "corrupt" });
});

Deno.test("FrameReader takes any bytes and fails only with `corrupt`", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
      try {
        read(chunks);
      } catch (error) {
        assert.ok(isProglogError(error, "corrupt"), String(error));
      }
    }),
  );
});

Deno.test("decodeHello() reads what encodeHello() wrote, and refuses the rest", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 30 });
  const hello = fc.record({
    lane: fc.constantFrom(...LANES),
    clusterId: text,
    from: text,
    to: text,
  }, { noNullPrototype: true });
  fc.assert(
    fc.property(hello, fc.nat(), (hello, cut) => {
      const bytes = encodeHello(hello);
      assert.deepEqual(decodeHello(bytes), hello);
      const shorter = bytes.subarray(0, cut % bytes.length);
      assert.throws(() => decodeHello(shorter), { code: "corrupt" });
    }),
  );
  const welcome = { clusterId: "c", from: "a" };
  assert.deepEqual(decodeWelcome(encodeWelcome(welcome)), welcome);
  assert.throws(() => decodeHello(Uint8Array.of(2, 0, 0, 0, 0)), /version 2/);
});

Deno.test("refusalOf() tells whom a hello is not for", () => {
  const self = { id: "b", clusterId: () => "blue" };
  const hello = { lane: "bulk", clusterId: "", from: "a", to: "b" } as const;
  assert.equal(refusalOf(hello, self), undefined);
  assert.equal(refusalOf({ ...hello, clusterId: "blue" }, self), undefined);
  assert.match(refusalOf({ ...hello, to: "c" }, self) ?? "", /not c/);
  assert.match(refusalOf({ ...hello, from: "b" }, self) ?? "", /another node/);
  assert.match(refusalOf({ ...hello, from: "" }, self) ?? "", /another node/);
  assert.match(
    refusalOf({ ...hello, clusterId: "green" }, self) ?? "",
    /not to green/,
  );
  assert.match(
    welcomeRefusal({ clusterId: "", from: "c" }, { self, to: "b" }) ?? "",
    /node c and not b/,
  );
});
