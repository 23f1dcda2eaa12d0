/** The payloads of key queries, as Serf writes and reads them. */
import assert from "node:assert/strict";
import {
  decodeKeyAnswer,
  decodeKeyRequest,
  encodeKeyAnswer,
  encodeKeyRequest,
  KEY_QUERIES,
  keyOperationOf,
} from "../../../../core/swim/wire/serf_keys.ts";

const KEY = new Uint8Array(16).fill(1);

Deno.test("encodeKeyRequest() puts the raw key behind type 7", () => {
  const payload = encodeKeyRequest(KEY);
  assert.equal(payload.toHex(), `0781a34b6579b0${"01".repeat(16)}`);
  assert.deepEqual(decodeKeyRequest(payload), KEY);
});

Deno.test("decodeKeyRequest() refuses keys that are too long, and other types", () => {
  assert.equal(
    decodeKeyRequest(encodeKeyRequest(new Uint8Array(33))),
    undefined,
  );
  assert.equal(decodeKeyRequest(Uint8Array.of(8, 0x80)), undefined);
  assert.equal(decodeKeyRequest(Uint8Array.of(7, 0x80)), undefined);
});

Deno.test("encodeKeyAnswer() reads back, and reads without a primary key", () => {
  const answer = {
    isDone: true,
    message: "",
    keys: ["AQ==", "Ag=="],
    primaryKey: "AQ==",
  };
  assert.deepEqual(decodeKeyAnswer(encodeKeyAnswer(answer)), answer);
  const older = Uint8Array.fromHex(
    "0882a6526573756c74c3a74d657373616765a26e6f",
  );
  assert.deepEqual(decodeKeyAnswer(older), {
    isDone: true,
    message: "no",
    keys: [],
    primaryKey: "",
  });
});

Deno.test("keyOperationOf() knows the four queries and no other", () => {
  for (const [operation, name] of Object.entries(KEY_QUERIES)) {
    assert.equal(keyOperationOf(name), operation);
  }
  assert.equal(keyOperationOf("_serf_ping"), undefined);
});
