/**
 * Reads a config file, YAML or JSON (which is YAML), as option names with plain
 * values. The one door to the yaml package. Caller: settings.ts.
 */
import { parse } from "yaml";
import { ProglogError } from "../core/errors.ts";

type Scalar = string | number | boolean;
export type ConfigValue = Scalar | readonly Scalar[];
export type ConfigFile = ReadonlyMap<string, ConfigValue>;

/** Throws `not_found`, `permission_denied` or `invalid_argument`, naming the file. */
export function readConfigFile(path: string): ConfigFile {
  return parseConfig(readText(path), path);
}

/** A file without keys is a good one. `path` is for messages only. */
export function parseConfig(text: string, path: string): ConfigFile {
  const content = parseYaml(text, path) ?? {};
  if (typeof content !== "object" || Array.isArray(content)) {
    throw invalid(path, "is not a list of keys and values");
  }
  const entries = Object.entries(content)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => [key, checkValue(value, { key, path })] as const);
  return new Map(entries);
}

function parseYaml(text: string, path: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : "";
    throw invalid(path, `is not YAML: ${reason}`, cause);
  }
}

function checkValue(
  value: unknown,
  at: { key: string; path: string },
): ConfigValue {
  if (isScalar(value)) return value;
  if (Array.isArray(value) && value.every(isScalar)) return value;
  throw invalid(at.path, `has no plain value or list at the key ${at.key}`);
}

function isScalar(value: unknown): value is Scalar {
  return ["string", "number", "boolean"].includes(typeof value);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new ProglogError(
      cause instanceof Deno.errors.NotFound ? "not_found" : "permission_denied",
      `Cannot read the config file ${path}`,
      { details: { path, kind: "config" }, cause },
    );
  }
}

function invalid(path: string, reason: string, cause?: unknown): ProglogError {
  return new ProglogError(
    "invalid_argument",
    `The config file ${path} ${reason}`,
    {
      details: { path, kind: "config" },
      cause,
    },
  );
}
