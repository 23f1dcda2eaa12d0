/**
 * How long to wait before the next try: doubling, with full jitter, so that many
 * clients that lost one server do not come back at the same moment. Pure.
 */
import type { Random } from "../../core/env.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

export const BACKOFF_DEFAULT: BackoffOptions = { firstMs: 20, maxMs: 1_000 };

/** `attempt` counts from 0. */
export function backoffMs(
  attempt: number,
  random: Random,
  options: BackoffOptions = BACKOFF_DEFAULT,
): number {
  const ceiling = Math.min(options.maxMs, options.firstMs * 2 ** attempt);
  return ceiling * (random.nextU32() / 2 ** 32);
}
