import assert from "node:assert/strict";
import { isProglogError } from "../../core/errors.ts";
import { parseConfig, readConfigFile } from "../../cli/config_file.ts";

Deno.test("parseConfig() reads YAML and JSON", () => {
  const expected = new Map<string, unknown>([["a", 1], ["b", true], ["c", [
    "x",
    "y",
  ]]]);
  assert.deepEqual(parseConfig("a: 1\nb: true\nc: [x, y]\n", "f"), expected);
  assert.deepEqual(
    parseConfig('{"a":1,"b":true,"c":["x","y"]}', "f"),
    expected,
  );
  assert.deepEqual(parseConfig("", "f"), new Map());
  assert.deepEqual(parseConfig("a:\n", "f"), new Map());
});

Deno.test("parseConfig() names the file and what is wrong", () => {
  const rows: [string, string, RegExp][] = [
    ["no YAML", "a: [", /^The config file f is not YAML/],
    ["a list", "- a", /is not a list of keys and values/],
    ["a word", "hello", /is not a list of keys and values/],
    ["a tree", "a:\n  b: 1", /no plain value or list at the key a/],
  ];
  for (const [name, text, message] of rows) {
    assert.throws(
      () => parseConfig(text, "f"),
      (error) =>
        isProglogError(error, "invalid_argument") &&
        message.test(error.message),
      name,
    );
  }
});

Deno.test("readConfigFile() reports a missing file", () => {
  assert.throws(
    () => readConfigFile("/nonexistent/x.yaml"),
    (error) => isProglogError(error, "not_found"),
  );
});
