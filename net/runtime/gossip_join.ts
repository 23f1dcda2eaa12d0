/**
 * Joining: all seeds are called on, again and again with growing waits, until
 * one answers or the time is over. Each failed round is told, never silent.
 */
import type { Random, Scheduler } from "../../core/env.ts";
import { type Endpoint, formatEndpoint } from "../../core/swim/wire/ip.ts";
import type { Resolver } from "../transport/gossip/types.ts";
import { resolveSeed } from "./gossip_seeds.ts";

const WAIT_FIRST_MS = 1000;
const WAIT_MAX_MS = 30_000;

export type JoinOutcome =
  | { readonly ok: true; readonly answered: readonly Endpoint[] }
  | { readonly ok: false; readonly reason: "timed_out" | "stopped" };

export interface JoinRequest {
  readonly seeds: readonly string[];
  /** Without it, it never gives up. */
  readonly timeoutMs?: number;
  readonly defaultPort: number;
  readonly environment: {
    readonly scheduler: Scheduler;
    readonly random: Random;
    readonly resolver: Resolver;
  };
  readonly stopped: AbortSignal;
  /** Calls on one address; the failure, or undefined if it answered. */
  attempt(to: Endpoint): Promise<string | undefined>;
  notice(text: string): void;
}

/** Resolves with those who answered in the first round that had any. */
export async function joinUntilAnswered(
  request: JoinRequest,
): Promise<JoinOutcome> {
  const { scheduler } = request.environment;
  const ended = Promise.withResolvers<"timed_out" | "stopped">();
  const cancel = request.timeoutMs === undefined
    ? () => {}
    : scheduler.after(request.timeoutMs, () => ended.resolve("timed_out"));
  const onStop = () => ended.resolve("stopped");
  request.stopped.addEventListener("abort", onStop);
  try {
    return await joinRounds(request, ended.promise);
  } finally {
    cancel();
    request.stopped.removeEventListener("abort", onStop);
  }
}

async function joinRounds(
  request: JoinRequest,
  ended: Promise<"timed_out" | "stopped">,
): Promise<JoinOutcome> {
  for (
    let waitMs = WAIT_FIRST_MS;;
    waitMs = Math.min(2 * waitMs, WAIT_MAX_MS)
  ) {
    const calling = callOn(request, () => true);
    const round = await Promise.race([calling, ended]);
    if (typeof round === "string") return { ok: false, reason: round };
    if (round.answered.length > 0) {
      return { ok: true, answered: round.answered };
    }
    const jitteredMs = jitter(waitMs, request.environment.random);
    request.notice(
      `Cannot join yet (${round.failures.join("; ")}), ` +
        `trying again in ${Math.round(jitteredMs / 100) / 10} s`,
    );
    const wait = pause(jitteredMs, request.environment.scheduler);
    const waited = await Promise.race([wait.promise, ended]);
    wait.cancel();
    if (waited !== "waited") return { ok: false, reason: waited };
  }
}

type CallRequest = Pick<
  JoinRequest,
  "seeds" | "defaultPort" | "environment" | "attempt"
>;

/** Calls once on all addresses of the seeds that are wanted; never rejects. */
export async function callOn(
  request: CallRequest,
  isWanted: (to: Endpoint) => boolean,
): Promise<{ failures: string[]; answered: Endpoint[] }> {
  const failures: string[] = [];
  const answered: Endpoint[] = [];
  await Promise.all(request.seeds.map(async (seed) => {
    const addresses = await resolveOrFail(seed, request, failures);
    for (const to of addresses.filter(isWanted)) {
      const failure = await request.attempt(to);
      if (failure === undefined) answered.push(to);
      else failures.push(`${formatEndpoint(to)}: ${failure}`);
    }
  }));
  return { failures, answered };
}

async function resolveOrFail(
  seed: string,
  request: CallRequest,
  failures: string[],
): Promise<Endpoint[]> {
  const { resolver } = request.environment;
  try {
    const { defaultPort } = request;
    const found = await resolveSeed(seed, { resolver, defaultPort });
    if (found.length === 0) failures.push(`${seed}: no address`);
    return found;
  } catch (error) {
    failures.push(`${seed}: ${error instanceof Error ? error.message : error}`);
    return [];
  }
}

/** From three quarters of `waitMs` to all of it, so that nodes spread out. */
function jitter(waitMs: number, random: Random): number {
  return waitMs * (0.75 + 0.25 * random.nextU32() / 0x1_0000_0000);
}

function pause(
  delayMs: number,
  scheduler: Scheduler,
): { promise: Promise<"waited">; cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<"waited">();
  return { promise, cancel: scheduler.after(delayMs, () => resolve("waited")) };
}
