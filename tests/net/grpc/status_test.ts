import assert from "node:assert/strict";
import fc from "fast-check";
import {
  codeOfHttpStatus,
  codeOfReset,
  decodeMessage,
  encodeMessage,
  readStatus,
  STATUS,
  StatusError,
  statusFields,
  statusName,
} from "../../../net/grpc/status.ts";

Deno.test("encodeMessage() encodes what is not printable ASCII, and %", () => {
  assert.equal(encodeMessage("100% ä\n"), "100%25 %C3%A4%0A");
  assert.equal(encodeMessage("plain text ~"), "plain text ~");
});

Deno.test("decodeMessage() returns every text that encodeMessage() took", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const encoded = encodeMessage(text);
    assert.match(encoded, /^[ -~]*$/);
    assert.equal(decodeMessage(encoded), text);
  }));
});

Deno.test("decodeMessage() leaves a broken escape as it is", () => {
  assert.equal(decodeMessage("50% %zz %4"), "50% %zz %4");
});

Deno.test("readStatus() returns code, message and details of statusFields()", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 16 }),
      fc.string(),
      fc.option(fc.uint8Array(), { nil: undefined }),
      (code, message, details) => {
        const sent = new StatusError(code as 5, message, { details });
        const status = readStatus(statusFields(sent));
        assert.ok(status instanceof StatusError);
        assert.equal(status.code, code);
        assert.equal(status.message, message);
        assert.deepEqual(
          status.details,
          details === undefined ? undefined : new Uint8Array(details),
        );
        assert.equal(status.outcome, "answered");
      },
    ),
  );
});

Deno.test("readStatus() maps a code that is none of the 17 to UNKNOWN and keeps it", () => {
  const status = readStatus([["grpc-status", "404"], ["grpc-message", "m"]]);
  assert.ok(status instanceof StatusError);
  assert.equal(status.code, STATUS.UNKNOWN);
  assert.equal(status.wireCode, 404);
});

Deno.test("readStatus() tells OK, missing and damaged apart", () => {
  assert.equal(readStatus([["grpc-status", "0"]]), undefined);
  assert.equal(readStatus([["x", "0"]]), "missing");
  const damaged = readStatus([
    ["grpc-status", "x"],
    ["grpc-status-details-bin", "!"],
  ]);
  assert.ok(damaged instanceof StatusError);
  assert.equal(damaged.code, STATUS.UNKNOWN);
  assert.equal(damaged.details, undefined);
});

Deno.test("codeOfHttpStatus() and codeOfReset() follow the tables of gRPC", () => {
  assert.equal(statusName(codeOfHttpStatus("404")), "UNIMPLEMENTED");
  assert.equal(statusName(codeOfHttpStatus("503")), "UNAVAILABLE");
  assert.equal(statusName(codeOfHttpStatus("200")), "UNKNOWN");
  assert.equal(statusName(codeOfReset(0x7)), "UNAVAILABLE");
  assert.equal(statusName(codeOfReset(0x8)), "CANCELLED");
  assert.equal(statusName(codeOfReset(0xb)), "RESOURCE_EXHAUSTED");
  assert.equal(statusName(codeOfReset(0x1)), "INTERNAL");
});
