import assert from "node:assert/strict";
import { compress, decompress } from "../../../net/grpc/compression.ts";
import { STATUS, StatusError } from "../../../net/grpc/status.ts";

const hasCode = (code: number) => (error: unknown) =>
  error instanceof StatusError && error.code === code;

Deno.test("decompress() returns what compress() took", () => {
  const message = new Uint8Array(100_000).fill(7);
  const compressed = compress(message);
  assert.ok(compressed.length < 1_000);
  const sizeMaxBytes = message.length;
  assert.deepEqual(
    new Uint8Array(
      decompress(compressed, { compression: "gzip", sizeMaxBytes }),
    ),
    message,
  );
});

Deno.test("decompress() stops at the limit", () => {
  const bomb = compress(new Uint8Array(10_000_000));
  assert.throws(
    () => decompress(bomb, { compression: "gzip", sizeMaxBytes: 1_000 }),
    hasCode(STATUS.RESOURCE_EXHAUSTED),
  );
});

Deno.test("decompress() refuses damage and a compressed message without encoding", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const sizeMaxBytes = 100;
  for (const compression of ["gzip", "identity"] as const) {
    assert.throws(
      () => decompress(bytes, { compression, sizeMaxBytes }),
      hasCode(STATUS.INTERNAL),
    );
  }
});
