/**
 * Durations, sizes and addresses as people write them. Pure; a refusal says what
 * would be right. Caller: options.ts, agent_options.ts.
 */
import type { HostPort } from "../net/agent/config.ts";

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const BYTES_PER_UNIT: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** "250ms", "5s", "1h30m", "7d" and "0" in milliseconds. */
export function parseDurationMs(text: string): Parsed<number> {
  const refused = refuse(
    `"${text}" is no duration: write one like 250ms, 5s, 1h30m or 7d`,
  );
  if (text === "0") return { ok: true, value: 0 };
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return refused;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    totalMs += Number(count) * (MS_PER_UNIT[unit ?? ""] ?? NaN);
  }
  const value = Math.round(totalMs);
  return Number.isSafeInteger(value) ? { ok: true, value } : refused;
}

/** "1024", "64MiB", "10GB" in bytes; units are not case-sensitive. */
export function parseSizeBytes(text: string): Parsed<number> {
  const refused = refuse(
    `"${text}" is no size: write one like 65536, 64KiB, 256MiB or 10GB`,
  );
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const unit = (match?.[2] ?? "").toLowerCase();
  if (match === null || !Object.hasOwn(BYTES_PER_UNIT, unit)) return refused;
  const value = Math.round(Number(match[1]) * (BYTES_PER_UNIT[unit] ?? NaN));
  return Number.isSafeInteger(value) ? { ok: true, value } : refused;
}

/** "127.0.0.1:8400", "log.example.net:8400", "[::1]:8400", ":8400" (this machine). */
export function parseHostPort(text: string): Parsed<HostPort> {
  const refused = refuse(
    `"${text}" is no address: write one like 127.0.0.1:8400 or [::1]:8400`,
  );
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return refused;
  const host = match[1] ?? match[2] ?? "";
  return { ok: true, value: { host: host === "" ? "127.0.0.1" : host, port } };
}

/** A whole number in a range, both ends included. */
export function parseWholeNumber(
  text: string,
  range: { min: number; max: number },
): Parsed<number> {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= range.min && value <= range.max) {
    return { ok: true, value };
  }
  return refuse(
    `"${text}" is not a whole number from ${range.min} to ${range.max}`,
  );
}

function refuse(
  message: string,
): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}
