import assert from "node:assert/strict";
import fc from "fast-check";
import { formatTimeout, parseTimeout } from "../../../net/grpc/timeout.ts";

for (
  const [text, expected] of [
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["3S", 3_000],
    ["4m", 4],
    ["5000u", 5],
    ["6000000n", 6],
    ["99999999m", 99_999_999],
    ["100000000m", undefined],
    ["m", undefined],
    ["1", undefined],
    ["-1m", undefined],
    ["1 m", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`parseTimeout() reads "${text}" as ${expected} ms`, () => {
    assert.equal(parseTimeout(text), expected);
  });
}

Deno.test("formatTimeout() never shortens and adds at most one unit", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (timeoutMs) => {
      const text = formatTimeout(timeoutMs);
      assert.match(text, /^\d{1,8}[mSMH]$/);
      const read = parseTimeout(text) ?? 0;
      assert.ok(read >= timeoutMs, `${text} is shorter than ${timeoutMs}`);
      const slackMs = timeoutMs < 99_999_999 ? 1 : 3_600_000;
      assert.ok(read <= timeoutMs + slackMs, `${text} is over ${timeoutMs}`);
    }),
  );
});
