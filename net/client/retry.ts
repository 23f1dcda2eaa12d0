/**
 * Which failures are worth another try, and the waiting between tries.
 * Callers: producer, consumer.
 */
import type { Clock, Random, Scheduler } from "../../core/env.ts";
import { isProglogError, ProglogError } from "../../core/errors.ts";
import { StatusError } from "../grpc/status.ts";
import { fromStatusError } from "../rpc/status.ts";
import { backoffMs } from "./backoff.ts";

export interface RetryEnvironment {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
}

/** Any failure of a call as one of ours. */
export function asProglogError(error: unknown): ProglogError {
  if (isProglogError(error)) return error;
  if (error instanceof StatusError) return fromStatusError(error);
  throw error;
}

/** Another server, or the same one a little later, may do it. */
export function isRetriable(error: ProglogError): boolean {
  switch (error.code) {
    case "disk_full":
    case "not_leader":
    case "overloaded":
    case "unavailable":
      return true;
    default:
      return false;
  }
}

/** Whether the call was surely not done: a second try cannot double anything. */
export function isSurelyNotDone(error: unknown): boolean {
  if (error instanceof StatusError && error.outcome !== "answered") {
    return error.outcome === "not_processed";
  }
  const { code, details } = asProglogError(error);
  return code === "not_leader" || details["outcome"] === "not_appended";
}

/** Counts the tries of one piece of work up to its deadline. */
export class Retry {
  readonly #env: RetryEnvironment;
  readonly #timeoutMs: number;
  #deadlineMs: number | undefined;
  #attempt = 0;

  /** `timeoutMs` counts from the first failure: silence before it is none. */
  constructor(env: RetryEnvironment, timeoutMs: number) {
    this.#env = env;
    this.#timeoutMs = timeoutMs;
  }

  /** Waits before the next try; throws `failure` when no time is left. */
  async pause(failure: ProglogError): Promise<void> {
    const nowMs = this.#env.clock.monotonicMs();
    this.#deadlineMs ??= nowMs + this.#timeoutMs;
    if (!isRetriable(failure) || nowMs >= this.#deadlineMs) throw failure;
    const delayMs = backoffMs(this.#attempt++, this.#env.random);
    await new Promise<void>((resolve) =>
      this.#env.scheduler.after(delayMs, resolve)
    );
  }
}
