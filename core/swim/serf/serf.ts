/**
 * The gossip core's door for everyone above it: membership with tags, events
 * and queries as Serf has them, on top of `Swim`. Pure: time comes with each
 * input, what is to be done comes from `takeWork`, news from `takeEvents`.
 */
import type { Random } from "../../env.ts";
import { assert } from "../../assert.ts";
import { BroadcastQueue } from "../broadcast_queue.ts";
import { randomBelow } from "../random.ts";
import type { SwimConfig, SwimDelegate, Work } from "../state.ts";
import { Swim } from "../swim.ts";
import type { Endpoint } from "../wire/ip.ts";
import { decodeTags, encodeTags, type Tags } from "../wire/tags.ts";
import { type SerfContext, type SerfTimings, viewOf } from "./context.ts";
import { notice } from "./context.ts";
import { EventRing } from "./event_ring.ts";
import type { GossipEvent, MemberView, ReceivedQuery } from "./events.ts";
import { LamportClock } from "./lamport.ts";
import { beginLeave, leaveDeadlineMs, tickLeave } from "./leave.ts";
import {
  announceJoin,
  announceLeaveOf,
  memberChanged,
  memberGone,
  memberJoined,
} from "./membership.ts";
import {
  type QueryRequest,
  respond,
  sendQuery,
  tickQueries,
} from "./queries.ts";
import {
  encodeLocalSerfState,
  mergeRemoteSerfState,
} from "./state_exchange.ts";
import { hasBroadcasts, takeBroadcasts } from "./queues.ts";
import { receiveMessage } from "./receive.ts";
import { tickUpkeep, upkeepDeadlineMs } from "./upkeep.ts";
import { type SendOutcome, sendUserEvent } from "./user_events.ts";

export interface SerfConfig extends SwimConfig {
  readonly tags: Tags;
  readonly serfTimings: SerfTimings;
  /**
   * The tag that only one node ever has, whatever its address: one that comes
   * back elsewhere takes its name along at once. Without it, as Serf has it, only
   * a name that is out of use may move.
   */
  readonly identityTag?: string;
}

export class Serf {
  readonly #context: SerfContext;
  readonly #swim: Swim;

  /** `nowMs` is on the clock of all later inputs: monotonic milliseconds. */
  constructor(
    config: SerfConfig,
    environment: { random: Random; nowMs: number },
  ) {
    assert(encodeTags(config.tags) !== undefined, "Tags are over 512 bytes");
    const delegate = this.#delegate();
    this.#swim = new Swim(config, { ...environment, delegate });
    this.#context = newContext(config, environment, this.#swim);
    this.#swim.start();
  }

  tick(nowMs: number): void {
    this.#context.nowMs = nowMs;
    this.#swim.tick(nowMs);
    tickUpkeep(this.#context);
    tickQueries(this.#context);
    tickLeave(this.#context);
  }

  /** When `tick` is next wanted; other inputs may bring it forward. */
  nextDeadlineMs(): number {
    let deadlineMs = Math.min(
      this.#swim.nextDeadlineMs(),
      upkeepDeadlineMs(this.#context),
      leaveDeadlineMs(this.#context),
    );
    for (const queryMs of this.#context.openQueries.values()) {
      deadlineMs = Math.min(deadlineMs, queryMs);
    }
    return deadlineMs;
  }

  receive(from: Endpoint, packet: Uint8Array, nowMs: number): void {
    this.#context.nowMs = nowMs;
    this.#swim.receive(from, packet, nowMs);
  }

  /** A peer's stream; undefined if it must be closed at once. */
  acceptStream(from: Endpoint, nowMs: number): number | undefined {
    this.#context.nowMs = nowMs;
    return this.#swim.acceptStream(from, nowMs);
  }

  receiveStream(streamId: number, bytes: Uint8Array, nowMs: number): void {
    this.#context.nowMs = nowMs;
    this.#swim.receiveStream(streamId, bytes, nowMs);
  }

  /** `reason` is "closed" if the peer ended the stream in order. */
  endStream(streamId: number, reason: string, nowMs: number): void {
    this.#context.nowMs = nowMs;
    this.#swim.endStream(streamId, reason, nowMs);
  }

  /** Asks `to` for its table; the outcome is a `join_attempt` event. */
  join(to: Endpoint, nowMs: number): void {
    this.#context.nowMs = nowMs;
    this.#swim.exchange(to, { isJoin: true }, nowMs);
  }

  /** Begins a graceful leave; the event `left` says when it is done. */
  leave(nowMs: number): void {
    this.#context.nowMs = nowMs;
    beginLeave(this.#context);
  }

  /** Our own tags; refused if they do not fit in 512 bytes. */
  setTags(tags: Tags, nowMs: number): SendOutcome {
    if (encodeTags(tags) === undefined) {
      return { ok: false, reason: "too_large" };
    }
    this.#context.nowMs = nowMs;
    this.#context.tags = tags;
    this.#swim.updateMeta(nowMs);
    return { ok: true };
  }

  /** Turns a failed member into one that left; `isPrune` forgets it at once. */
  forceLeave(node: string, options: { isPrune: boolean }, nowMs: number): void {
    this.#context.nowMs = nowMs;
    announceLeaveOf(this.#context, { node, ...options });
  }

  userEvent(
    event: { name: string; payload: Uint8Array; canCoalesce: boolean },
    nowMs: number,
  ): SendOutcome {
    this.#context.nowMs = nowMs;
    return sendUserEvent(this.#context, event);
  }

  query(
    request: QueryRequest,
    nowMs: number,
  ): SendOutcome & { readonly id: number } {
    this.#context.nowMs = nowMs;
    return sendQuery(this.#context, request);
  }

  respond(query: ReceivedQuery, payload: Uint8Array, nowMs: number) {
    this.#context.nowMs = nowMs;
    return respond(this.#context, query, payload);
  }

  /** All members, sorted by name. */
  members(): MemberView[] {
    const views = [...this.#context.members.values()].map(viewOf);
    return views.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** 0 is healthy; 7 is a node that hardly hears anyone. */
  get healthScore(): number {
    return this.#swim.healthScore;
  }

  takeWork(): Work {
    return this.#swim.takeWork();
  }

  takeEvents(): GossipEvent[] {
    const { events } = this.#context;
    this.#context.events = [];
    return events;
  }

  #delegate(): SwimDelegate {
    return {
      meta: () => encodeTags(this.#context.tags)!,
      isSameNode: (known, claimed) => {
        const identity = identityOf(this.#context, known);
        return identity !== undefined &&
          identity === identityOf(this.#context, claimed);
      },
      hasBroadcasts: () => hasBroadcasts(this.#context),
      broadcasts: (budget) => takeBroadcasts(this.#context, budget),
      onMessage: (payload) => receiveMessage(this.#context, payload),
      localState: () => encodeLocalSerfState(this.#context),
      mergeRemoteState: (bytes, options) =>
        mergeRemoteSerfState(this.#context, bytes, options),
      onJoin: (member) => memberJoined(this.#context, member),
      onLeave: (member) => memberGone(this.#context, member),
      onUpdate: (member) => memberChanged(this.#context, member),
      onConflict: ({ known, claimed }) =>
        this.#context.events.push({
          kind: "name_conflict",
          name: known.name,
          isOurs: known.name === this.#context.name,
          known: known.endpoint,
          claimed,
        }),
      onExchange: ({ to, isJoin, failure }) => {
        if (!isJoin) return;
        if (failure === undefined) announceJoin(this.#context);
        this.#context.events.push({ kind: "join_attempt", to, failure });
      },
      onNotice: (text) => notice(this.#context, text),
    };
  }
}

/** Undefined where a node does not tell. */
function identityOf(
  { identityTag }: SerfContext,
  meta: Uint8Array,
): string | undefined {
  if (identityTag === undefined) return undefined;
  return decodeTags(meta)[identityTag] || undefined;
}

function newContext(
  config: SerfConfig,
  { random, nowMs }: { random: Random; nowMs: number },
  swim: Swim,
): SerfContext {
  const { retransmitMultiplier } = config.timings;
  const { reapIntervalMs, reconnectIntervalMs } = config.serfTimings;
  return {
    name: config.name,
    advertiseAddress: config.advertiseAddress,
    advertisePort: config.advertisePort,
    identityTag: config.identityTag,
    timings: config.serfTimings,
    random,
    swim,
    members: new Map(),
    recentIntents: new Map(),
    intentQueue: new BroadcastQueue(retransmitMultiplier),
    queryQueue: new BroadcastQueue(retransmitMultiplier),
    eventQueue: new BroadcastQueue(retransmitMultiplier),
    memberClock: new LamportClock(),
    eventClock: new LamportClock(),
    queryClock: new LamportClock(),
    eventRing: new EventRing(),
    queryRing: new EventRing(),
    openQueries: new Map(),
    prunes: new Map(),
    tags: config.tags,
    events: [],
    notices: { sinceMs: nowMs, count: 0 },
    nowMs,
    leave: { kind: "none" },
    reapAtMs: nowMs + reapIntervalMs,
    reconnectAtMs: nowMs + randomBelow(random, reconnectIntervalMs),
    eventTimeMin: 0,
  };
}
