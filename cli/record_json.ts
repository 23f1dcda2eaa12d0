/**
 * Records as JSON lines: what `consume --json` prints and `produce --json-input`
 * reads. Bytes are base64, so that any record survives the round trip. Pure.
 */
import { ProglogError } from "../core/errors.ts";
import type { NewRecord } from "../core/log/record.ts";

export interface ShownRecord extends NewRecord {
  readonly offset: number;
}

export function recordToJson(record: ShownRecord): string {
  const { offset, key, headers, timestampMs, value } = record;
  return JSON.stringify({
    offset,
    ...(key?.length ? { key: key.toBase64() } : {}),
    ...(headers?.length
      ? {
        headers: headers.map((header) => ({
          name: header.name,
          value: header.value.toBase64(),
        })),
      }
      : {}),
    ...(timestampMs ? { timestamp_ms: timestampMs } : {}),
    value: value.toBase64(),
  });
}

/** Throws `invalid_argument` that names the line. */
export function parseRecord(line: Uint8Array, lineNumber: number): NewRecord {
  const fields = parseObject(line, lineNumber);
  const bytes = (name: string, value: unknown) =>
    decode(value, `"${name}" in line ${lineNumber}`);
  const headers = fields["headers"] ?? [];
  if (!Array.isArray(headers)) throw refuse(lineNumber, `"headers" is no list`);
  const timestampMs = fields["timestamp_ms"] ?? 0;
  if (typeof timestampMs !== "number" || !Number.isSafeInteger(timestampMs)) {
    throw refuse(lineNumber, `"timestamp_ms" is no whole number`);
  }
  return {
    value: bytes("value", fields["value"]),
    key: bytes("key", fields["key"] ?? ""),
    headers: headers.map((header) => ({
      name: String(header?.name ?? ""),
      value: bytes("headers", header?.value ?? ""),
    })),
    timestampMs,
  };
}

function parseObject(
  line: Uint8Array,
  lineNumber: number,
): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(line));
  } catch (cause) {
    throw refuse(lineNumber, "it is not JSON", cause);
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
    return parsed as Record<string, unknown>;
  }
  throw refuse(lineNumber, "it is no JSON object");
}

function decode(value: unknown, where: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(value as string);
  } catch (cause) {
    throw new ProglogError(
      "invalid_argument",
      `Cannot read ${where} as it is not base64`,
      { cause },
    );
  }
}

function refuse(
  lineNumber: number,
  reason: string,
  cause?: unknown,
): ProglogError {
  return new ProglogError(
    "invalid_argument",
    `Cannot read line ${lineNumber} as ${reason}`,
    { cause },
  );
}
