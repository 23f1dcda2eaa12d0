import assert from "node:assert/strict";
import { ProglogError } from "../../../core/errors.ts";
import { STATUS, StatusError } from "../../../net/grpc/status.ts";
import { fromStatusError, toStatusError } from "../../../net/rpc/status.ts";

Deno.test("fromStatusError() takes RESOURCE_EXHAUSTED of the transport for a message that is too large", () => {
  const bare = new StatusError(
    STATUS.RESOURCE_EXHAUSTED,
    "The message is larger than allowed",
  );
  assert.equal(fromStatusError(bare).code, "too_large");
});

Deno.test("fromStatusError() takes our errors for what they were", () => {
  for (const code of ["overloaded", "too_large", "not_leader"] as const) {
    const status = toStatusError(new ProglogError(code, "words"));
    assert.equal(fromStatusError(status).code, code);
  }
});
