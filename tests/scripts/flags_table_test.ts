import assert from "node:assert/strict";
import {
  readOperationsPage,
  withFlagsTables,
} from "../../scripts/flags_table.ts";

Deno.test("docs/operations.md lists every option there is (else: deno run -A scripts/flags_table.ts)", () => {
  const page = readOperationsPage();
  assert.equal(page, withFlagsTables(page));
});

Deno.test("withFlagsTables() needs its two marks", () => {
  assert.throws(() => withFlagsTables("# Operations\n"), /lacks the lines/);
});
