import assert from "node:assert/strict";
import fc from "fast-check";
import { ProglogError } from "../../../core/errors.ts";
import { Metadata } from "../../../net/grpc/metadata.ts";

Deno.test("get() finds names without regard to case", () => {
  const metadata = Metadata.of({ "Trace-Id": "abc" });
  assert.equal(metadata.get("trace-ID"), "abc");
  assert.deepEqual(metadata.fields(), [["trace-id", "abc"]]);
});

Deno.test("append() keeps values in order and set() replaces them", () => {
  const metadata = Metadata.of({ a: ["1", "2"] });
  metadata.append("A", "3");
  assert.deepEqual(metadata.getAll("a"), ["1", "2", "3"]);
  metadata.set("a", "4");
  assert.deepEqual(metadata.getAll("a"), ["4"]);
  metadata.delete("a");
  assert.equal(metadata.isEmpty, true);
});

Deno.test("fromHeaders() hides what belongs to the protocol", () => {
  const metadata = Metadata.fromHeaders([
    [":path", "/a"],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
    ["grpc-timeout", "1S"],
    ["x", "y"],
  ]);
  assert.deepEqual([...metadata], [["x", "y"]]);
});

Deno.test("getAllBinary() takes padded, unpadded and joined base64", () => {
  const metadata = Metadata.fromHeaders([
    ["k-bin", "AQI="],
    ["k-bin", "AQI,AwQF"],
  ]);
  assert.deepEqual(metadata.getAllBinary("K-Bin"), [
    new Uint8Array([1, 2]),
    new Uint8Array([1, 2]),
    new Uint8Array([3, 4, 5]),
  ]);
});

Deno.test("getBinary() refuses what is not base64", () => {
  const metadata = Metadata.fromHeaders([["k-bin", "?"]]);
  assert.throws(() => metadata.getBinary("k-bin"), ProglogError);
});

Deno.test("append() returns any bytes through getBinary()", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    const sent = Metadata.of({ "k-bin": bytes });
    const field = sent.fields()[0]?.[1] ?? "";
    assert.ok(!field.includes("="), "sent without padding");
    const received = Metadata.fromHeaders(sent.fields());
    assert.deepEqual(received.getBinary("k-bin"), new Uint8Array(bytes));
  }));
});

for (
  const [name, value, why] of [
    [":path", "x", "pseudo-header"],
    ["grpc-status", "0", "reserved prefix"],
    ["te", "x", "reserved name"],
    ["a b", "x", "space in name"],
    ["a", "\n", "control character"],
    ["a", " x", "space at the start"],
    ["a", "ä", "not ASCII"],
    ["a", new Uint8Array(1), "bytes under a text name"],
    ["a-bin", "x", "text under a binary name"],
  ] as const
) {
  Deno.test(`append() refuses: ${why}`, () => {
    assert.throws(
      () => new Metadata().append(name, value),
      (error) =>
        error instanceof ProglogError && error.code === "invalid_argument",
    );
  });
}
