/**
 * The door to the gossip core: memberlist's protocol without sockets, timers
 * or clock. Inputs carry the time; `takeWork` gives what is to be sent. The
 * layer above is a `SwimDelegate`; `serf/serf.ts` is the one that we use.
 */
import type { Random } from "../env.ts";
import { assert } from "../assert.ts";
import { BroadcastQueue } from "./broadcast_queue.ts";
import {
  announceLeave,
  announceOurselves,
  applyAlive,
  tickSuspicions,
} from "./claims.ts";
import { OUR_VERSIONS } from "./config.ts";
import { gossipDeadlineMs, tickGossip } from "./gossip.ts";
import { type Member, MemberTable } from "./members.ts";
import { receivePacket, sendUserPacket } from "./packets.ts";
import { probeDeadlineMs, tickProbe } from "./probe.ts";
import {
  encodeLocalState,
  firstPushPullAtMs,
  tickPushPull,
} from "./push_pull.ts";
import { randomBelow } from "./random.ts";
import type { SwimConfig, SwimDelegate, SwimState, Work } from "./state.ts";
import {
  acceptStream,
  endStream,
  openPushPull,
  receiveStream,
  streamsDeadlineMs,
  tickStreams,
} from "./streams.ts";
import type { Endpoint } from "./wire/ip.ts";

export class Swim {
  readonly #state: SwimState;

  /** `nowMs` is on the clock of all later inputs: monotonic milliseconds. */
  constructor(
    config: SwimConfig,
    environment: { random: Random; delegate: SwimDelegate; nowMs: number },
  ) {
    this.#state = newState(config, environment);
  }

  /** Puts our own entry in the table and into the gossip. */
  start(): void {
    const { config, delegate, incarnation } = this.#state;
    applyAlive(this.#state, {
      kind: "alive",
      incarnation,
      node: config.name,
      address: config.advertiseAddress,
      port: config.advertisePort,
      meta: delegate.meta(),
      versions: OUR_VERSIONS,
    });
  }

  /** Does all that is due. */
  tick(nowMs: number): void {
    this.#at(nowMs);
    tickSuspicions(this.#state);
    tickStreams(this.#state);
    tickProbe(this.#state);
    tickPushPull(this.#state);
    tickGossip(this.#state);
  }

  /** When `tick` is next wanted; other inputs may bring it forward. */
  nextDeadlineMs(): number {
    const state = this.#state;
    let deadlineMs = Math.min(
      probeDeadlineMs(state),
      gossipDeadlineMs(state),
      state.pushPullAtMs,
      streamsDeadlineMs(state),
    );
    for (const suspicion of state.suspicions.values()) {
      deadlineMs = Math.min(deadlineMs, suspicion.deadlineMs);
    }
    return deadlineMs;
  }

  receive(from: Endpoint, packet: Uint8Array, nowMs: number): void {
    this.#at(nowMs);
    receivePacket(this.#state, from, packet);
  }

  /** A peer's stream; undefined if it must be closed at once. */
  acceptStream(from: Endpoint, nowMs: number): number | undefined {
    this.#at(nowMs);
    return acceptStream(this.#state, from);
  }

  receiveStream(streamId: number, bytes: Uint8Array, nowMs: number): void {
    this.#at(nowMs);
    receiveStream(this.#state, streamId, bytes);
  }

  /** `reason` is "closed" if the peer ended the stream in order. */
  endStream(streamId: number, reason: string, nowMs: number): void {
    this.#at(nowMs);
    endStream(this.#state, streamId, reason);
  }

  /** Exchanges tables with whoever is at `to`; the delegate hears the outcome. */
  exchange(to: Endpoint, options: { isJoin: boolean }, nowMs: number): void {
    this.#at(nowMs);
    const bytes = encodeLocalState(this.#state, options);
    openPushPull(this.#state, { to, bytes, isJoin: options.isJoin });
  }

  /** Gossips our meta data anew, after the delegate's `meta()` has changed. */
  updateMeta(nowMs: number): void {
    this.#at(nowMs);
    this.#state.incarnation++;
    announceOurselves(this.#state);
  }

  sendUser(to: Endpoint, payload: Uint8Array, nowMs: number): void {
    this.#at(nowMs);
    sendUserPacket(this.#state, to, payload);
  }

  /** Says that we are gone; from here on we only answer. */
  leave(nowMs: number): void {
    this.#at(nowMs);
    if (this.#state.phase === "leaving") return;
    this.#state.phase = "leaving";
    announceLeave(this.#state);
  }

  /** Whether news about `name` still has to be sent. */
  isGossiping(name: string): boolean {
    return this.#state.queue.has(name);
  }

  members(): readonly Member[] {
    return this.#state.members.all;
  }

  /** 0 is healthy (Lifeguard's local health). */
  get healthScore(): number {
    return this.#state.healthScore;
  }

  takeWork(): Work {
    const { work } = this.#state;
    this.#state.work = { packets: [], streams: [] };
    return work;
  }

  #at(nowMs: number): void {
    assert(nowMs >= this.#state.nowMs, "The clock of the gossip core ran back");
    this.#state.nowMs = nowMs;
  }
}

function newState(
  config: SwimConfig,
  environment: { random: Random; delegate: SwimDelegate; nowMs: number },
): SwimState {
  const { random, delegate, nowMs } = environment;
  const { timings } = config;
  const gossipPhaseMs = nowMs + randomBelow(random, timings.gossipIntervalMs);
  return {
    config,
    random,
    delegate,
    nowMs,
    members: new MemberTable(random),
    queue: new BroadcastQueue(timings.retransmitMultiplier),
    suspicions: new Map(),
    relayedProbes: new Map(),
    streams: new Map(),
    work: { packets: [], streams: [] },
    phase: "running",
    incarnation: 1,
    seqNo: 0,
    nextStreamId: 1,
    healthScore: 0,
    probe: undefined,
    probeAtMs: nowMs + randomBelow(random, timings.probeIntervalMs),
    gossipPhaseMs,
    gossipedAtMs: gossipPhaseMs - 1,
    pushPullAtMs: firstPushPullAtMs({ random, config }, nowMs),
  };
}
