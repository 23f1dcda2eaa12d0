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

/** Counts the tries of one piece of work up to its deadline. */
export class Retry {
  readonly #env: RetryEnvironment;
  readonly #deadlineMs: number;
  #attempt = 0;

  /** `timeoutMs` counts from now. */
  constructor(env: RetryEnvironment, timeoutMs: number) {
    this.#env = env;
    this.#deadlineMs = env.clock.monotonicMs() + timeoutMs;
  }

  get isOver(): boolean {
    return this.#env.clock.monotonicMs() >= this.#deadlineMs;
  }

  /** Waits before the next try; throws `failure` when no time is left. */
  async pause(failure: ProglogError): Promise<void> {
    if (!isRetriable(failure) || this.isOver) throw failure;
    const delayMs = backoffMs(this.#attempt++, this.#env.random);
    await new Promise<void>((resolve) =>
      this.#env.scheduler.after(delayMs, resolve)
    );
  }
}
