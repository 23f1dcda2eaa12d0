import assert from "node:assert/strict";
import { readRequestHead } from "../../../net/grpc/request_head.ts";
import type { HeaderField } from "../../../net/http2/types.ts";

const HEAD: Record<string, string> = {
  ":method": "POST",
  ":path": "/a/B",
  "content-type": "application/grpc",
};

function readWith(changes: Record<string, string>) {
  const fields = Object.entries({ ...HEAD, ...changes });
  return readRequestHead(fields as HeaderField[]);
}

for (
  const [name, changes, expected] of [
    ["a GET", { ":method": "GET" }, "405"],
    ["JSON", { "content-type": "application/json" }, "415"],
    ["gRPC-Web", { "content-type": "application/grpc-web" }, "415"],
    ["unknown compression", { "grpc-encoding": "br" }, 12],
    ["a malformed timeout", { "grpc-timeout": "soon" }, 13],
  ] as const
) {
  Deno.test(`readRequestHead() refuses ${name} with ${expected}`, () => {
    const result = readWith(changes);
    assert.ok(!result.ok);
    const { refusal } = result;
    assert.equal(
      refusal.kind === "http" ? refusal.httpStatus : refusal.error.code,
      expected,
    );
  });
}

for (
  const contentType of [
    "application/grpc",
    "application/grpc+proto",
    "application/grpc; charset=utf-8",
  ]
) {
  Deno.test(`readRequestHead() takes content-type ${contentType}`, () => {
    const result = readWith({
      "content-type": contentType,
      "grpc-timeout": "2S",
      "grpc-encoding": "gzip",
      "grpc-accept-encoding": "gzip, identity",
    });
    assert.ok(result.ok);
    assert.deepEqual(result.head, {
      path: "/a/B",
      timeoutMs: 2_000,
      compression: "gzip",
      acceptsGzip: true,
    });
  });
}
