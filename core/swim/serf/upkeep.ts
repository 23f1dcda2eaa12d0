/**
 * What Serf does now and then: forget those gone for a day, and call on
 * failed members, so that the two halves of a healed network find each other.
 */
import { pickSome, randomBelow } from "../random.ts";
import { notice, type SerfContext, type SerfMember } from "./context.ts";
import { erase } from "./membership.ts";

export function tickUpkeep(context: SerfContext): void {
  if (context.reapAtMs <= context.nowMs) {
    context.reapAtMs = context.nowMs + context.timings.reapIntervalMs;
    reap(context);
  }
  if (context.reconnectAtMs <= context.nowMs) {
    context.reconnectAtMs = context.nowMs + context.timings.reconnectIntervalMs;
    reconnect(context);
  }
  for (const [name, atMs] of context.prunes) {
    if (atMs > context.nowMs) continue;
    context.prunes.delete(name);
    const member = context.members.get(name);
    if (member !== undefined && isGone(member)) erase(context, member);
  }
}

export function upkeepDeadlineMs(context: SerfContext): number {
  let deadlineMs = Math.min(context.reapAtMs, context.reconnectAtMs);
  for (const atMs of context.prunes.values()) {
    deadlineMs = Math.min(deadlineMs, atMs);
  }
  return deadlineMs;
}

function reap(context: SerfContext): void {
  const { timings, nowMs, recentIntents } = context;
  for (const member of context.members.values()) {
    if (!isGone(member) || member.name === context.name) continue;
    const timeoutMs = member.status === "failed"
      ? timings.reconnectTimeoutMs
      : timings.tombstoneTimeoutMs;
    if (nowMs - member.sinceMs > timeoutMs) erase(context, member);
  }
  for (const [name, intent] of recentIntents) {
    if (nowMs - intent.atMs > timings.recentIntentTimeoutMs) {
      recentIntents.delete(name);
    }
  }
}

/** The more have failed, the likelier it is that the fault is the network. */
function reconnect(context: SerfContext): void {
  const members = [...context.members.values()];
  const failed = members.filter(({ status }) => status === "failed");
  const present = members.filter((member) => !isGone(member)).length;
  const likelihood = failed.length / Math.max(1, present);
  const draw = randomBelow(context.random, 1_000_000) / 1_000_000;
  if (draw >= likelihood || context.leave.kind !== "none") return;
  const [member] = pickSome(context.random, failed, {
    count: 1,
    accepts: () => true,
  });
  if (member === undefined) return;
  notice(context, `Calling on ${member.name}, which has failed`);
  context.swim.exchange(member.endpoint, { isJoin: false }, context.nowMs);
}

function isGone(member: SerfMember): boolean {
  return member.status === "failed" || member.status === "left";
}
