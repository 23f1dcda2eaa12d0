import assert from "node:assert/strict";
import { AssertionError } from "../../core/assert.ts";
import { ProglogError } from "../../core/errors.ts";
import { describeFailure } from "../../cli/output.ts";

Deno.test("describeFailure() says what happened and what to do next", () => {
  const rows: [string, ProglogError, RegExp][] = [
    [
      "no agent",
      new ProglogError("unavailable", "Cannot connect to 127.0.0.1:8400"),
      /^proglog: Cannot connect to 127\.0\.0\.1:8400\. Start an agent with `proglog agent`/,
    ],
    [
      "no certificate",
      new ProglogError("not_found", "There is no certificate file x", {
        details: { kind: "certificate" },
      }),
      /^proglog: There is no certificate file x\. Make certificates with `proglog certs init`/,
    ],
    [
      "denied",
      new ProglogError(
        "permission_denied",
        "nobody not permitted to produce to default",
      ),
      /^proglog: nobody not permitted to produce to default\. Permit it in the agent's policy\.csv/,
    ],
  ];
  for (const [name, error, text] of rows) {
    const failure = describeFailure(error);
    assert.match(failure.text, text, name);
    assert.equal(failure.exitCode, 1, name);
    assert.ok(!failure.text.includes("\n"), name);
  }
});

Deno.test("describeFailure() shows the stack of our own faults", () => {
  for (const error of [new AssertionError("x < 0"), new TypeError("no such")]) {
    const failure = describeFailure(error);
    assert.match(failure.text, /a fault in proglog itself/);
    assert.ok(failure.text.includes(error.message));
    assert.equal(failure.exitCode, 1);
  }
});
