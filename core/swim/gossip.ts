/**
 * Rounds of gossip: while there is news, each interval a few random members
 * get a packet of it. Without news there are no rounds at all.
 */
import { sendGossip } from "./packets.ts";
import { pickSome } from "./random.ts";
import type { SwimState } from "./state.ts";

export function tickGossip(state: SwimState): void {
  if (gossipDeadlineMs(state) > state.nowMs) return;
  const { config, nowMs } = state;
  state.gossipedAtMs = nowMs;
  const receivers = pickSome(state.random, state.members.all, {
    count: config.timings.gossipNodes,
    accepts: (member) =>
      member.name !== config.name && member.status !== "left" &&
      (member.status !== "dead" ||
        nowMs - member.statusChangedAtMs <= config.timings.gossipToTheDeadMs),
  });
  for (const receiver of receivers) {
    if (!sendGossip(state, receiver)) return;
  }
}

/** The next round: the first of our fixed moments after the last round. */
export function gossipDeadlineMs(state: SwimState): number {
  if (state.queue.size === 0 && !state.delegate.hasBroadcasts()) {
    return Number.POSITIVE_INFINITY;
  }
  const intervalMs = state.config.timings.gossipIntervalMs;
  const phaseMs = state.gossipPhaseMs;
  // Rounds are at phase + k * interval; this is the first that was not done.
  const done = Math.floor((state.gossipedAtMs - phaseMs) / intervalMs);
  const missed = Math.floor((state.nowMs - phaseMs) / intervalMs);
  return phaseMs + Math.max(done + 1, missed) * intervalMs;
}
