import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import {
  type Encoding,
  frameMessage,
  MessageDecoder,
  writePrefix,
} from "../../../net/grpc/framing.ts";
import { STATUS, StatusError } from "../../../net/grpc/status.ts";

function decodeAll(decoder: MessageDecoder, chunk: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  decoder.push(chunk);
  for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
    messages.push(next);
  }
  return messages;
}

Deno.test("next() returns the same messages however the bytes are cut", () => {
  const message = fc.record({
    bytes: fc.uint8Array({ maxLength: 200 }),
    encoding: fc.constantFrom<Encoding>("plain", "compressed"),
  });
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
      (messages, cuts) => {
        const framed = Buffer.concat(
          messages.map(({ bytes, encoding }) => frameMessage(bytes, encoding)),
        );
        const decoder = new MessageDecoder(200);
        const decoded: { bytes: Uint8Array; encoding: Encoding }[] = [];
        for (let at = 0, cut = 0; at < framed.length; cut++) {
          const size = cuts[cut % cuts.length] ?? 1;
          decoder.push(Uint8Array.from(framed.subarray(at, at + size)));
          for (let m = decoder.next(); m !== undefined; m = decoder.next()) {
            decoded.push({ bytes: m, encoding: decoder.encoding });
          }
          at += size;
        }
        assert.equal(decoder.isInMessage, false);
        assert.deepEqual(
          decoded,
          messages.map(({ bytes, encoding }) => ({
            bytes: new Uint8Array(bytes),
            encoding,
          })),
        );
      },
    ),
  );
});

Deno.test("next() returns a view when the message lies in one chunk", () => {
  const chunk = frameMessage(new Uint8Array([1, 2, 3]));
  const [message] = decodeAll(new MessageDecoder(10), chunk);
  assert.equal(message?.buffer, chunk.buffer);
});

Deno.test("next() names both sizes when a message is too long", () => {
  const decoder = new MessageDecoder(10);
  decoder.push(frameMessage(new Uint8Array(11)).subarray(0, 5));
  assert.throws(
    () => decoder.next(),
    (error) =>
      error instanceof StatusError &&
      error.code === STATUS.RESOURCE_EXHAUSTED &&
      /11 bytes.*10 bytes/.test(error.message),
  );
});

Deno.test("next() refuses an unknown flag", () => {
  const decoder = new MessageDecoder(10);
  decoder.push(new Uint8Array([2, 0, 0, 0, 0]));
  assert.throws(() => decoder.next(), StatusError);
});

Deno.test("push() keeps no more memory than what arrived, whatever is announced", () => {
  const decoder = new MessageDecoder(2 ** 32);
  const before = Deno.memoryUsage().external;
  const prefix = new Uint8Array(5);
  writePrefix(prefix, { start: 5, length: 2 ** 31, encoding: "plain" });
  assert.deepEqual(decodeAll(decoder, prefix), []);
  assert.deepEqual(decodeAll(decoder, new Uint8Array(1)), []);
  assert.equal(decoder.isInMessage, true);
  assert.ok(Deno.memoryUsage().external - before < 2 ** 20);
});
