/**
 * Takes a call that only the leader can do to the leader, as the same gRPC
 * method, with the caller's subject. A leader that changes is followed inside
 * the deadline, unless that could do a thing twice: then the caller is told that
 * the outcome is unknown. A forwarded call goes no further (one hop).
 * Callers: produce.ts, admin.ts; built by the agent of a cluster.
 */
import type { Clock, Random, Scheduler } from "../../core/env.ts";
import { ProglogError } from "../../core/errors.ts";
import type { ServerCall } from "../grpc/types.ts";
import {
  dialFailure,
  type Failure,
  failureOf,
  outcomeUnknown,
} from "./forward_outcome.ts";
import { ForwardStream } from "./forward_stream.ts";
import { type DialLeader, LeaderConnections } from "./leader_connections.ts";
import { isForwarded, onBehalfOf } from "./on_behalf.ts";

/** Where the leader of a log is, as far as this node knows. */
export type LeaderPlace =
  | { readonly kind: "here" }
  | { readonly kind: "there"; readonly address: string };

export interface ForwarderOptions {
  /** Undefined while no leader is known. */
  readonly leader: (log: string) => LeaderPlace | undefined;
  readonly dial: DialLeader;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** For callers without a deadline; default 10 s. */
  readonly timeoutMs?: number;
}

/** What is to be done, at whichever node leads. */
export interface ForwardedWork {
  readonly message: Uint8Array;
  /** "yes": twice is the same as once, so an unknown outcome is tried again. */
  readonly isRepeatable: "yes" | "no";
  /** Does it while this node leads; answers with the response message. */
  readonly doHere: () => Promise<Uint8Array>;
}

export interface ForwardTarget {
  readonly log: string;
  /** "/log.v1.Log/Produce" */
  readonly path: string;
  readonly call: ServerCall;
}

const TIMEOUT_DEFAULT_MS = 10_000;
/** Elections take some hundred milliseconds: looking often costs little. */
const PAUSE_FIRST_MS = 5;
const PAUSE_MAX_MS = 50;
/**
 * Two election timeouts: where no leader is known for longer, others may know of
 * one that this node does not hear, and the caller can ask them.
 */
const LEADERLESS_MAX_MS = 1_000;
/** How long calls to a former leader may go on. */
const RETIRE_MS = 1_000;

export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #connections: LeaderConnections;
  #cancelRetire: () => void = () => undefined;
  #isClosed = false;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#connections = new LeaderConnections(options.dial);
  }

  /**
   * Throws what the leader answered, `unavailable`, `deadline_exceeded`, or
   * `not_leader` when none was known for a second and nothing has been sent.
   */
  async unary(
    target: ForwardTarget,
    work: ForwardedWork,
  ): Promise<Uint8Array> {
    if (isForwarded(target.call)) return await work.doHere();
    const tries = this.tries(target.call);
    for (;;) {
      const result = await this.#try(target, work, tries.deadlineMs);
      if (result instanceof Uint8Array) return result;
      tries.checkPatience(result);
      await tries.afterFailure(result, work.isRepeatable);
    }
  }

  /** Many in one call, answered each; see forward_stream.ts. */
  stream(target: Omit<ForwardTarget, "log">): ForwardStream {
    return new ForwardStream(this, target);
  }

  /**
   * To be called when the leader of a log has changed, with the logs there are.
   * A deposed leader answers by itself; one that hangs is given up after a while.
   */
  leaderChanged(logs: readonly string[]): void {
    this.#cancelRetire();
    if (this.#isClosed) return;
    this.#cancelRetire = this.#options.scheduler.after(RETIRE_MS, () => {
      const places = logs.map((log) => this.leader(log));
      const addresses = places.flatMap((place) =>
        place?.kind === "there" ? [place.address] : []
      );
      this.#connections.keepOnly(new Set(addresses));
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetire();
    this.#connections.close();
  }

  leader(log: string): LeaderPlace | undefined {
    return this.#options.leader(log);
  }

  /** A client for calls to `address`; throws ProglogError when it cannot be reached. */
  client(address: string): ReturnType<LeaderConnections["client"]> {
    return this.#connections.client(address);
  }

  /** The tries of one piece of work, within the deadline of `call`. */
  tries(call: ServerCall): Tries {
    return new Tries(this.#options, call);
  }

  async #try(
    { log, path, call }: ForwardTarget,
    work: ForwardedWork,
    deadlineMs: number,
  ): Promise<Uint8Array | Failure> {
    const place = this.leader(log);
    if (place === undefined) {
      return { ...dialFailure(noLeader(log)), leader: "unknown" };
    }
    if (place.kind === "here") return await work.doHere().catch(failureOf);
    let client;
    try {
      client = await this.client(place.address);
    } catch (error) {
      return dialFailure(error);
    }
    return await client.unary(path, work.message, {
      metadata: onBehalfOf(call),
      deadlineMs,
      signal: call.signal,
    }).catch(failureOf);
  }
}

/** Counts tries and time; waits between tries. */
export class Tries {
  readonly deadlineMs: number;
  readonly #options: ForwarderOptions;
  readonly #call: ServerCall;
  #count = 0;
  /** A try before this one may have done it. */
  #isOpen = false;
  #leaderlessSinceMs: number | undefined;

  constructor(options: ForwarderOptions, call: ServerCall) {
    this.#options = options;
    this.#call = call;
    const timeoutMs = options.timeoutMs ?? TIMEOUT_DEFAULT_MS;
    this.deadlineMs = call.deadlineMs ??
      options.clock.monotonicMs() + timeoutMs;
  }

  /** Throws where no leader has been known for too long, and nothing was sent. */
  checkPatience(failure: Failure): void {
    if (failure.leader !== "unknown" || this.#isOpen) {
      this.#leaderlessSinceMs = undefined;
      return;
    }
    const nowMs = this.#options.clock.monotonicMs();
    this.#leaderlessSinceMs ??= nowMs;
    if (nowMs - this.#leaderlessSinceMs >= LEADERLESS_MAX_MS) {
      throw failure.error;
    }
  }

  /** Returns when another try is due; throws what the caller is to be told. */
  async afterFailure(
    failure: Failure,
    isRepeatable: ForwardedWork["isRepeatable"],
  ): Promise<void> {
    const isSafe = failure.outcome === "not_done" || isRepeatable === "yes";
    if (failure.next === "final") throw failure.error;
    if (!isSafe) throw outcomeUnknown(failure.error);
    this.#isOpen ||= failure.outcome === "unknown";
    const { clock, random, scheduler } = this.#options;
    const ceilingMs = Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** this.#count);
    this.#count += 1;
    const pauseMs = ceilingMs * (0.5 + 0.5 * random.nextU32() / 2 ** 32);
    if (
      this.#call.signal.aborted ||
      clock.monotonicMs() + pauseMs >= this.deadlineMs
    ) throw this.#isOpen ? outcomeUnknown(failure.error) : failure.error;
    await new Promise<void>((resolve) => scheduler.after(pauseMs, resolve));
  }
}

export function noLeader(log: string): ProglogError {
  return new ProglogError(
    "not_leader",
    `Cannot find a leader of log "${log}" yet`,
    { details: { log, outcome: "not_appended" } },
  );
}
