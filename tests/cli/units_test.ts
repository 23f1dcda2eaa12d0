import assert from "node:assert/strict";
import * as fc from "fast-check";
import { formatHostPort } from "../../net/agent/config.ts";
import {
  parseDurationMs,
  parseHostPort,
  parseSizeBytes,
  parseWholeNumber,
} from "../../cli/units.ts";

function valueOf<T>(
  parsed: { ok: true; value: T } | { ok: false; message: string },
): T | string {
  return parsed.ok ? parsed.value : "refused";
}

Deno.test("parseDurationMs() reads units and their sums", () => {
  const rows: [string, number | "refused"][] = [
    ["250ms", 250],
    ["5s", 5000],
    ["1.5s", 1500],
    ["1h30m", 5_400_000],
    ["7d", 604_800_000],
    ["0", 0],
    ["5", "refused"],
    ["-5s", "refused"],
    ["5 s", "refused"],
    ["s", "refused"],
    ["", "refused"],
    ["5w", "refused"],
    ["1e3s", "refused"],
    ["99999999999999999d", "refused"],
  ];
  for (const [text, expected] of rows) {
    assert.equal(valueOf(parseDurationMs(text)), expected, text);
  }
});

Deno.test("parseSizeBytes() tells 1000 from 1024", () => {
  const rows: [string, number | "refused"][] = [
    ["1024", 1024],
    ["64KiB", 65_536],
    ["64 KiB", 65_536],
    ["1kb", 1000],
    ["1.5GiB", 1_610_612_736],
    ["10GB", 1e10],
    ["0", 0],
    ["", "refused"],
    ["MiB", "refused"],
    ["-1", "refused"],
    ["1XB", "refused"],
    ["1constructor", "refused"],
    ["9e15", "refused"],
    ["9999999TiB", "refused"],
  ];
  for (const [text, expected] of rows) {
    assert.equal(valueOf(parseSizeBytes(text)), expected, text);
  }
});

Deno.test("parseHostPort() reads names, addresses and brackets", () => {
  const rows: [string, string][] = [
    ["127.0.0.1:8400", "127.0.0.1:8400"],
    ["log.example.net:1", "log.example.net:1"],
    ["[::1]:8400", "[::1]:8400"],
    [":8400", "127.0.0.1:8400"],
    ["localhost:0", "localhost:0"],
    ["localhost", "refused"],
    ["localhost:", "refused"],
    ["localhost:65536", "refused"],
    ["::1:8400", "refused"],
    ["http://localhost:1", "refused"],
    ["a b:1", "refused"],
  ];
  for (const [text, expected] of rows) {
    const parsed = parseHostPort(text);
    assert.equal(
      parsed.ok ? formatHostPort(parsed.value) : "refused",
      expected,
      text,
    );
  }
});

Deno.test("parseWholeNumber() keeps to its range", () => {
  const range = { min: 1, max: 10 };
  const rows: [string, number | "refused"][] = [
    ["1", 1],
    ["10", 10],
    ["0", "refused"],
    ["11", "refused"],
    ["1.5", "refused"],
    ["1e0", "refused"],
    ["", "refused"],
  ];
  for (const [text, expected] of rows) {
    assert.equal(valueOf(parseWholeNumber(text, range)), expected, text);
  }
});

Deno.test("the parsers answer any text without throwing", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    for (const parse of [parseDurationMs, parseSizeBytes, parseHostPort]) {
      const parsed = parse(text);
      if (!parsed.ok) assert.ok(parsed.message.includes(text));
    }
  }));
});
