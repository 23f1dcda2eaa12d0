/**
 * A graceful leave, in order: the intent goes out, then memberlist's word that
 * we are gone, then we stay a moment to answer, then it is done. Each step
 * ends when its gossip was sent often enough, or at its deadline.
 */
import type { SerfContext } from "./context.ts";
import { announceLeaveOf, intentKey } from "./membership.ts";

export function beginLeave(context: SerfContext): void {
  if (context.leave.kind !== "none") return;
  const deadlineMs = context.nowMs + context.timings.broadcastTimeoutMs;
  context.leave = { kind: "intent", deadlineMs };
  announceLeaveOf(context, { node: context.name, isPrune: false });
}

export function tickLeave(context: SerfContext): void {
  const { leave, nowMs, timings, swim, name } = context;
  const isAlone = !hasOthers(context);
  if (leave.kind === "intent") {
    const isSent = !context.intentQueue.has(intentKey(name));
    if (!isSent && !isAlone && leave.deadlineMs > nowMs) return;
    swim.leave(nowMs);
    const deadlineMs = nowMs + timings.broadcastTimeoutMs;
    context.leave = { kind: "dead", deadlineMs };
  } else if (leave.kind === "dead") {
    const isSent = !swim.isGossiping(name);
    if (!isSent && !isAlone && leave.deadlineMs > nowMs) return;
    const delayMs = isAlone ? 0 : timings.leavePropagateDelayMs;
    context.leave = { kind: "propagating", deadlineMs: nowMs + delayMs };
  } else if (leave.kind === "propagating") {
    if (leave.deadlineMs > nowMs) return;
    context.leave = { kind: "done" };
    context.events.push({ kind: "left" });
  }
}

/** When `tickLeave` may have something to do; gossip rounds are ticks too. */
export function leaveDeadlineMs(context: SerfContext): number {
  const { leave } = context;
  if (leave.kind === "none" || leave.kind === "done") {
    return Number.POSITIVE_INFINITY;
  }
  if (leave.kind === "propagating" || hasOthers(context)) {
    return leave.deadlineMs;
  }
  return context.nowMs;
}

function hasOthers(context: SerfContext): boolean {
  for (const member of context.members.values()) {
    if (member.name !== context.name && member.status === "alive") return true;
  }
  return false;
}
