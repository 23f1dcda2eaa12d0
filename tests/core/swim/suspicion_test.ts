/** The figures of suspicion, against the formula of the Lifeguard paper. */
import assert from "node:assert/strict";
import { TIMINGS_LAN } from "../../../core/swim/config.ts";
import {
  confirmSuspicion,
  startSuspicion,
  suspicionMinMs,
  suspicionTimeoutMs,
} from "../../../core/swim/suspicion.ts";

Deno.test("suspicionMinMs() grows with the logarithm of the cluster", () => {
  assert.equal(suspicionMinMs(TIMINGS_LAN, 1), 4000);
  assert.equal(suspicionMinMs(TIMINGS_LAN, 10), 4000);
  assert.equal(suspicionMinMs(TIMINGS_LAN, 100), 8000);
  assert.equal(suspicionMinMs(TIMINGS_LAN, 1000), 12_000);
});

Deno.test("suspicionTimeoutMs() falls from maximum to minimum with confirmations", () => {
  const figures = { confirmationsWanted: 3, minMs: 2000, maxMs: 30_000 };
  // Values of the reference implementation's own table of tests.
  const expected = [30_000, 16_000, 7810, 2000, 2000];
  for (const [confirmations, timeoutMs] of expected.entries()) {
    assert.equal(suspicionTimeoutMs(figures, confirmations), timeoutMs);
  }
});

Deno.test("startSuspicion() waits for no one in a cluster of three", () => {
  const suspicion = startSuspicion(TIMINGS_LAN, {
    from: "a",
    members: 3,
    nowMs: 100,
  });
  assert.equal(suspicion.deadlineMs, 4100);
  assert.equal(confirmSuspicion(suspicion, "b"), false);
});

Deno.test("confirmSuspicion() counts each accuser once", () => {
  const suspicion = startSuspicion(TIMINGS_LAN, {
    from: "a",
    members: 10,
    nowMs: 0,
  });
  assert.equal(suspicion.deadlineMs, 24_000);
  assert.equal(confirmSuspicion(suspicion, "a"), false);
  assert.equal(confirmSuspicion(suspicion, "b"), true);
  assert.equal(confirmSuspicion(suspicion, "b"), false);
  assert.ok(suspicion.deadlineMs < 24_000);
  assert.equal(confirmSuspicion(suspicion, "c"), true);
  assert.equal(suspicion.deadlineMs, 4000);
  assert.equal(confirmSuspicion(suspicion, "d"), false);
});
