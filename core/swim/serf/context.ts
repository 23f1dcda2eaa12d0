/**
 * What the parts of the Serf layer share. Like the core below it, they are
 * functions over one record; `serf.ts` is the door.
 */
import type { Random } from "../../env.ts";
import type { BroadcastQueue } from "../broadcast_queue.ts";
import type { Swim } from "../swim.ts";
import type { Endpoint } from "../wire/ip.ts";
import type { Tags } from "../wire/tags.ts";
import type {
  GossipEvent,
  MemberEvent,
  MemberStatus,
  MemberView,
} from "./events.ts";
import type { EventRing } from "./event_ring.ts";
import type { LamportClock } from "./lamport.ts";

const NOTICE_WINDOW_MS = 1000;
const NOTICES_PER_WINDOW_MAX = 20;

export interface SerfTimings {
  /** How long a failed member is remembered and called on. */
  readonly reconnectTimeoutMs: number;
  /** How long a member that left is remembered. */
  readonly tombstoneTimeoutMs: number;
  readonly reapIntervalMs: number;
  readonly reconnectIntervalMs: number;
  /** How long intents of unknown members are kept. */
  readonly recentIntentTimeoutMs: number;
  /** How long a leave waits for its broadcasts to go out. */
  readonly broadcastTimeoutMs: number;
  /** How long a node that left still answers. */
  readonly leavePropagateDelayMs: number;
}

export const SERF_TIMINGS: SerfTimings = {
  reconnectTimeoutMs: 24 * 3600 * 1000,
  tombstoneTimeoutMs: 24 * 3600 * 1000,
  reapIntervalMs: 15_000,
  reconnectIntervalMs: 30_000,
  recentIntentTimeoutMs: 300_000,
  broadcastTimeoutMs: 5000,
  leavePropagateDelayMs: 1000,
};

export interface SerfMember {
  readonly name: string;
  address: Uint8Array;
  endpoint: Endpoint;
  tags: Tags;
  versions: Uint8Array;
  status: MemberStatus;
  sinceMs: number;
  /** Lamport time of the last intent about it. */
  statusTime: number;
}

/** The newest intent about a member that is not known yet. */
export interface RecentIntent {
  readonly kind: "join" | "leave";
  readonly lamportTime: number;
  readonly atMs: number;
}

/** Our own leave, step by step. */
export type LeavePhase =
  | { readonly kind: "none" }
  | { readonly kind: "intent"; readonly deadlineMs: number }
  | { readonly kind: "dead"; readonly deadlineMs: number }
  | { readonly kind: "propagating"; readonly deadlineMs: number }
  | { readonly kind: "done" };

export interface SerfContext {
  readonly name: string;
  readonly advertiseAddress: Uint8Array;
  readonly advertisePort: number;
  readonly identityTag: string | undefined;
  readonly timings: SerfTimings;
  readonly random: Random;
  readonly swim: Swim;
  readonly members: Map<string, SerfMember>;
  readonly recentIntents: Map<string, RecentIntent>;
  readonly intentQueue: BroadcastQueue;
  readonly queryQueue: BroadcastQueue;
  readonly eventQueue: BroadcastQueue;
  readonly memberClock: LamportClock;
  readonly eventClock: LamportClock;
  readonly queryClock: LamportClock;
  readonly eventRing: EventRing;
  readonly queryRing: EventRing;
  /** Our own queries that still take answers: id to deadline. */
  readonly openQueries: Map<number, number>;
  /** Members to erase, and when, after a pruning leave intent. */
  readonly prunes: Map<string, number>;
  tags: Tags;
  events: GossipEvent[];
  /** Notices since a moment, for their limit. */
  readonly notices: { sinceMs: number; count: number };
  nowMs: number;
  leave: LeavePhase;
  reapAtMs: number;
  reconnectAtMs: number;
  /** User events older than this are from before our join. */
  eventTimeMin: number;
}

export function viewOf(member: SerfMember): MemberView {
  const { name, tags, status, sinceMs } = member;
  return { name, ...member.endpoint, tags, status, sinceMs };
}

export function emit(
  context: SerfContext,
  kind: MemberEvent["kind"],
  member: SerfMember,
): void {
  context.events.push({ kind, member: viewOf(member) });
}

/** At most so many a second: a flood of bad packets must not flood the log. */
export function notice(context: SerfContext, text: string): void {
  const { notices, nowMs } = context;
  if (nowMs - notices.sinceMs >= NOTICE_WINDOW_MS) {
    const leftOut = notices.count - NOTICES_PER_WINDOW_MAX;
    if (leftOut > 0) {
      const text = `${leftOut} further notices were left out`;
      context.events.push({ kind: "notice", text });
    }
    notices.sinceMs = nowMs;
    notices.count = 0;
  }
  notices.count++;
  if (notices.count > NOTICES_PER_WINDOW_MAX) return;
  context.events.push({ kind: "notice", text });
}
