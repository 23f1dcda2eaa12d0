/**
 * Serf's view of members: what memberlist says (joined, gone, changed) and
 * what members say themselves (intents) make alive, leaving, left and failed.
 */
import { MEMBERS_MAX, RECENT_INTENTS_MAX } from "../limits.ts";
import type { Member } from "../members.ts";
import {
  encodeJoinIntent,
  encodeLeaveIntent,
  type JoinIntent,
  type LeaveIntent,
} from "../wire/serf_messages.ts";
import { decodeTags } from "../wire/tags.ts";
import {
  emit,
  notice,
  type RecentIntent,
  type SerfContext,
  type SerfMember,
} from "./context.ts";
import type { MemberStatus } from "./events.ts";

/** Whether a message is news, and to be gossiped on. */
export type Spread = "spread" | "stop";

export function memberJoined(context: SerfContext, member: Member): void {
  const known = context.members.get(member.name);
  if (known === undefined && context.members.size >= MEMBERS_MAX) {
    return notice(context, `Cannot add ${member.name}: the table is full`);
  }
  const serfMember = known ?? newMember(context, member);
  context.members.set(member.name, serfMember);
  takeOver(serfMember, member);
  if (known !== undefined) setStatus(context, known, "alive");
  emit(context, "member_join", serfMember);
}

/** Gone after an intent is "left", without one it is "failed". */
export function memberGone(context: SerfContext, member: Member): void {
  const serfMember = context.members.get(member.name);
  if (serfMember === undefined) return;
  if (serfMember.status === "leaving") {
    setStatus(context, serfMember, "left");
    emit(context, "member_leave", serfMember);
  } else if (serfMember.status === "alive") {
    setStatus(context, serfMember, "failed");
    emit(context, "member_failed", serfMember);
  }
}

export function memberChanged(context: SerfContext, member: Member): void {
  const serfMember = context.members.get(member.name);
  if (serfMember === undefined) return;
  takeOver(serfMember, member);
  emit(context, "member_update", serfMember);
}

export function applyJoinIntent(
  context: SerfContext,
  intent: Omit<JoinIntent, "kind">,
): Spread {
  context.memberClock.witness(intent.lamportTime);
  const member = context.members.get(intent.node);
  if (member === undefined) return remember(context, "join", intent);
  if (intent.lamportTime <= member.statusTime) return "stop";
  member.statusTime = intent.lamportTime;
  if (member.status === "leaving") setStatus(context, member, "alive");
  return "spread";
}

export function applyLeaveIntent(
  context: SerfContext,
  intent: Omit<LeaveIntent, "kind">,
): Spread {
  context.memberClock.witness(intent.lamportTime);
  const member = context.members.get(intent.node);
  if (member === undefined) return remember(context, "leave", intent);
  if (intent.lamportTime <= member.statusTime) return "stop";
  if (intent.node === context.name && context.leave.kind === "none") {
    announceJoin(context);
    return "stop";
  }
  member.statusTime = intent.lamportTime;
  if (member.status === "alive") setStatus(context, member, "leaving");
  else if (member.status === "failed") {
    setStatus(context, member, "left");
    emit(context, "member_leave", member);
  }
  if (intent.isPrune) prune(context, member);
  return "spread";
}

/** Tells everyone that we are here to stay, whatever was said before. */
export function announceJoin(context: SerfContext): void {
  const lamportTime = context.memberClock.time;
  const intent = { lamportTime, node: context.name };
  applyJoinIntent(context, intent);
  spreadJoin(context, intent);
}

/** Tells everyone that `node` has left; its own name or a failed member's. */
export function announceLeaveOf(
  context: SerfContext,
  request: { node: string; isPrune: boolean },
): void {
  const lamportTime = context.memberClock.time;
  context.memberClock.increment();
  const intent = { ...request, lamportTime };
  applyLeaveIntent(context, intent);
  spreadLeave(context, intent);
}

export function spreadJoin(
  context: SerfContext,
  intent: Omit<JoinIntent, "kind">,
): void {
  context.intentQueue.push(intentKey(intent.node), encodeJoinIntent(intent));
}

export function spreadLeave(
  context: SerfContext,
  intent: Omit<LeaveIntent, "kind">,
): void {
  context.intentQueue.push(intentKey(intent.node), encodeLeaveIntent(intent));
}

/** One intent of a member is on its way at a time: the newest. */
export function intentKey(node: string): string {
  return node;
}

export function setStatus(
  context: SerfContext,
  member: SerfMember,
  status: MemberStatus,
): void {
  if (member.status === status) return;
  member.status = status;
  member.sinceMs = context.nowMs;
}

/** Forgets a member for good. */
export function erase(context: SerfContext, member: SerfMember): void {
  context.members.delete(member.name);
  context.prunes.delete(member.name);
  emit(context, "member_reap", member);
}

/** One that is still on its way out gets the time that a leave takes. */
function prune(context: SerfContext, member: SerfMember): void {
  if (member.status !== "leaving") return erase(context, member);
  const { broadcastTimeoutMs, leavePropagateDelayMs } = context.timings;
  const waitMs = broadcastTimeoutMs + leavePropagateDelayMs;
  context.prunes.set(member.name, context.nowMs + waitMs);
}

function newMember(context: SerfContext, member: Member): SerfMember {
  const intent = context.recentIntents.get(member.name);
  context.recentIntents.delete(member.name);
  return {
    name: member.name,
    address: member.address,
    endpoint: member.endpoint,
    tags: {},
    versions: member.versions,
    status: intent?.kind === "leave" ? "leaving" : "alive",
    sinceMs: context.nowMs,
    statusTime: intent?.lamportTime ?? 0,
  };
}

function takeOver(serfMember: SerfMember, member: Member): void {
  serfMember.address = member.address;
  serfMember.endpoint = member.endpoint;
  serfMember.tags = decodeTags(member.meta);
  serfMember.versions = member.versions;
}

function remember(
  context: SerfContext,
  kind: RecentIntent["kind"],
  { node, lamportTime }: { node: string; lamportTime: number },
): Spread {
  const { recentIntents, nowMs } = context;
  const known = recentIntents.get(node);
  if (known !== undefined && known.lamportTime >= lamportTime) return "stop";
  if (known === undefined && recentIntents.size >= RECENT_INTENTS_MAX) {
    return "stop";
  }
  recentIntents.set(node, { kind, lamportTime, atMs: nowMs });
  return "spread";
}
