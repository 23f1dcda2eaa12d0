import assert from "node:assert/strict";
import { ProglogError } from "../../../core/errors.ts";
import {
  createLogger,
  type LogFormat,
  type LogLevel,
  silentLogger,
} from "../../../net/telemetry/log.ts";

function captured(level: LogLevel, format: LogFormat) {
  const lines: string[] = [];
  const logger = createLogger({
    level,
    format,
    write: (line) => lines.push(line),
    wallMs: () => Date.UTC(2030, 0, 15, 10),
  });
  return { logger, lines };
}

Deno.test("createLogger() writes one JSON object a line", () => {
  const { logger, lines } = captured("info", "json");
  logger.with({ part: "raft" }).info("became leader", { term: 3 });
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [{
    level: "info",
    time: "2030-01-15T10:00:00.000Z",
    part: "raft",
    term: 3,
    message: "became leader",
  }]);
  assert.ok(lines[0]?.endsWith("}\n"));
});

Deno.test("createLogger() writes readable lines", () => {
  const { logger, lines } = captured("debug", "text");
  logger.with({ part: "raft" }).warn("slow disk", {
    took_ms: 812,
    path: "/a b",
  });
  logger.debug("two\nlines", { text: "a\nb" });
  assert.deepEqual(lines, [
    '2030-01-15 10:00:00.000 warn  raft: slow disk took_ms=812 path="/a b"\n',
    '2030-01-15 10:00:00.000 debug two\\nlines text="a\\nb"\n',
  ]);
});

Deno.test("createLogger() drops what is below its level", () => {
  const { logger, lines } = captured("warn", "json");
  logger.debug("no");
  logger.info("no");
  logger.error("yes");
  assert.equal(lines.length, 1);
  assert.equal(logger.isEnabled("info"), false);
  assert.equal(logger.isEnabled("error"), true);
});

Deno.test("createLogger() shows code, details and cause of an error", () => {
  const { logger, lines } = captured("info", "json");
  const cause = new ProglogError("disk_full", "No space left");
  const error = new ProglogError("unavailable", "Cannot append", {
    details: { offset: 7 },
    cause,
  });
  logger.error("append failed", { error });
  assert.deepEqual(JSON.parse(lines[0] ?? "").error, {
    code: "unavailable",
    message: "Cannot append",
    offset: 7,
    cause: { code: "disk_full", message: "No space left" },
  });
});

Deno.test("silentLogger() is enabled for nothing", () => {
  assert.equal(silentLogger().isEnabled("error"), false);
});
