/**
 * The `grpc-timeout` field: at most 8 digits and a unit
 * (gRPC over HTTP/2 protocol, "Timeout").
 */

const PATTERN = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
const DIGITS_LIMIT = 100_000_000;

/** Milliseconds, maybe with a fraction; undefined for a malformed value. */
export function parseTimeout(value: string): number | undefined {
  const match = PATTERN.exec(value);
  if (match === null) return undefined;
  return Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? 1);
}

/** The finest unit of ms, s, min, h that fits, rounded up; at least "1m". */
export function formatTimeout(timeoutMs: number): string {
  for (const unit of ["m", "S", "M"]) {
    const count = Math.max(1, Math.ceil(timeoutMs / (UNIT_MS[unit] ?? 1)));
    if (count < DIGITS_LIMIT) return `${count}${unit}`;
  }
  const hours = Math.ceil(timeoutMs / 3_600_000);
  return `${Math.min(hours, DIGITS_LIMIT - 1)}H`;
}
