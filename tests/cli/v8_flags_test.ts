import assert from "node:assert/strict";
import { V8_FLAGS } from "../../cli/v8_flags.ts";
import configuration from "../../deno.json" with { type: "json" };

Deno.test("deno.json runs V8 as the executable does", () => {
  const { start, proglog } = configuration.tasks;
  for (const task of [start, proglog]) assert.ok(task.includes(V8_FLAGS), task);
});
