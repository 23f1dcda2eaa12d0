/** Serf's part of a push/pull: clocks, intents and recent events. */
import { decodeSerfState } from "../wire/serf_state_decoder.ts";
import { encodeSerfState, type SerfState } from "../wire/serf_messages.ts";
import { notice, type SerfContext } from "./context.ts";
import { applyJoinIntent, applyLeaveIntent } from "./membership.ts";
import { mergeRecentEvents } from "./user_events.ts";

export function encodeLocalSerfState(context: SerfContext): Uint8Array {
  const statusTimes = new Map<string, number>();
  const leftMembers: string[] = [];
  for (const member of context.members.values()) {
    statusTimes.set(member.name, member.statusTime);
    if (member.status === "left") leftMembers.push(member.name);
  }
  return encodeSerfState({
    lamportTime: context.memberClock.time,
    statusTimes,
    leftMembers,
    eventTime: context.eventClock.time,
    events: [],
    queryTime: context.queryClock.time,
  });
}

export function mergeRemoteSerfState(
  context: SerfContext,
  bytes: Uint8Array,
  options: { isJoin: boolean },
): void {
  const remote = decodeSerfState(bytes);
  if (remote === undefined) {
    notice(context, "Refused the serf state of a peer: it is damaged");
    return;
  }
  // What a clock shows has not been said yet: the last said is one before.
  context.memberClock.witness(Math.max(0, remote.lamportTime - 1));
  context.eventClock.witness(Math.max(0, remote.eventTime - 1));
  context.queryClock.witness(Math.max(0, remote.queryTime - 1));
  mergeIntents(context, remote);
  if (options.isJoin && remote.eventTime > context.eventTimeMin) {
    context.eventTimeMin = remote.eventTime;
  }
  mergeRecentEvents(context, remote.events);
}

/** Those that left come first, so that later times do not hide them. */
function mergeIntents(context: SerfContext, remote: SerfState): void {
  const left = new Set(remote.leftMembers);
  for (const node of left) {
    const lamportTime = (remote.statusTimes.get(node) ?? 0) + 1;
    applyLeaveIntent(context, { lamportTime, node, isPrune: false });
  }
  for (const [node, lamportTime] of remote.statusTimes) {
    if (!left.has(node)) applyJoinIntent(context, { lamportTime, node });
  }
}
