/**
 * Failure detection: each interval one member is pinged; if it is silent,
 * others are asked to try and a stream is opened to it; if that brings nothing
 * either, it is suspect. (SWIM, section 3.1; Lifeguard, section 4.1)
 */
import { applyAccusation } from "./claims.ts";
import { VERSION_NACK, VERSION_STREAM_PING } from "./config.ts";
import type { Member } from "./members.ts";
import { sendMessage, sendParts } from "./packets.ts";
import { isGone } from "./precedence.ts";
import { pickSome } from "./random.ts";
import { adjustHealth, nextSeqNo, type SwimState } from "./state.ts";
import { openStreamPing } from "./streams.ts";
import type { Endpoint } from "./wire/ip.ts";
import {
  encodeAccusation,
  encodeAck,
  encodeIndirectPing,
  encodeNack,
  encodePing,
  type IndirectPing,
  type PingSource,
} from "./wire/messages.ts";

/** The one probe of ours that is under way. */
export interface Probe {
  readonly seqNo: number;
  readonly target: Member;
  readonly endsAtMs: number;
  stage: "direct" | "indirect";
  /** When the stage after this one begins. */
  stageEndsAtMs: number;
  nacksExpected: number;
  nacks: number;
}

/** A ping that we do for another member. */
export interface RelayedProbe {
  readonly origin: Endpoint;
  readonly originSeqNo: number;
  readonly wantsNack: boolean;
  readonly endsAtMs: number;
}

const NO_PAYLOAD = new Uint8Array(0);

export function tickProbe(state: SwimState): void {
  const { probe } = state;
  if (probe !== undefined && probe.stageEndsAtMs <= state.nowMs) {
    if (probe.stage === "direct") askOthers(state, probe);
    else failProbe(state, probe);
  }
  if (state.probe === undefined && state.probeAtMs <= state.nowMs) {
    startProbe(state);
  }
  expireRelayedProbes(state);
}

/** When `tickProbe` has something to do. */
export function probeDeadlineMs(state: SwimState): number {
  let deadlineMs = state.probe?.stageEndsAtMs ?? state.probeAtMs;
  for (const relayed of state.relayedProbes.values()) {
    deadlineMs = Math.min(deadlineMs, relayed.endsAtMs);
  }
  return deadlineMs;
}

/** An answer came; false if it is not to our probe. */
export function finishProbe(state: SwimState, seqNo: number): boolean {
  if (state.probe?.seqNo !== seqNo) return false;
  state.probe = undefined;
  adjustHealth(state, -1);
  return true;
}

/** An answer to a ping that we did for another goes back to it. */
export function forwardAck(state: SwimState, seqNo: number): void {
  const relayed = state.relayedProbes.get(seqNo);
  if (relayed === undefined) return;
  state.relayedProbes.delete(seqNo);
  const ack = encodeAck({ seqNo: relayed.originSeqNo, payload: NO_PAYLOAD });
  sendMessage(state, relayed.origin, ack);
}

/** Pings `target` on behalf of `origin`, under a sequence number of our own. */
export function relayProbe(
  state: SwimState,
  request: { ping: IndirectPing; target: Endpoint; origin: Endpoint },
): void {
  const { ping, target, origin } = request;
  const seqNo = nextSeqNo(state);
  state.relayedProbes.set(seqNo, {
    origin,
    originSeqNo: ping.seqNo,
    wantsNack: ping.wantsNack,
    endsAtMs: state.nowMs + state.config.timings.probeTimeoutMs,
  });
  const source = ownSource(state);
  sendMessage(state, target, encodePing({ seqNo, node: ping.node, source }));
}

function startProbe(state: SwimState): void {
  const { timings } = state.config;
  const intervalMs = timings.probeIntervalMs * (state.healthScore + 1);
  const target = nextTarget(state);
  if (target === undefined) {
    state.probeAtMs = state.nowMs + timings.probeIntervalMs;
    return;
  }
  state.probeAtMs = state.nowMs + intervalMs;
  const seqNo = nextSeqNo(state);
  state.probe = {
    seqNo,
    target,
    endsAtMs: state.nowMs + intervalMs,
    stage: "direct",
    stageEndsAtMs: state.nowMs + timings.probeTimeoutMs,
    nacksExpected: 0,
    nacks: 0,
  };
  sendPing(state, target, seqNo);
}

/** A member that we suspect hears so with the ping, and can refute at once. */
function sendPing(state: SwimState, target: Member, seqNo: number): void {
  const source = ownSource(state);
  const ping = encodePing({ seqNo, node: target.name, source });
  if (target.status === "alive") {
    sendMessage(state, target.endpoint, ping);
    return;
  }
  const suspect = encodeAccusation(accusationBy(state, target));
  sendParts(state, target.endpoint, [ping, suspect]);
}

function nextTarget(state: SwimState): Member | undefined {
  const { config, nowMs } = state;
  return state.members.nextInRing({
    accepts: (member) => member.name !== config.name && !isGone(member.status),
    isForgotten: (member) =>
      isGone(member.status) && member.name !== config.name &&
      nowMs - member.statusChangedAtMs > config.timings.gossipToTheDeadMs,
  });
}

function askOthers(state: SwimState, probe: Probe): void {
  const { target } = probe;
  probe.stage = "indirect";
  probe.stageEndsAtMs = probe.endsAtMs;
  const helpers = pickSome(state.random, state.members.all, {
    count: state.config.timings.indirectChecks,
    accepts: (member) =>
      member.status === "alive" && member.name !== target.name &&
      member.name !== state.config.name,
  });
  for (const helper of helpers) sendIndirectPing(state, probe, helper);
  if ((target.versions[1] ?? 0) >= VERSION_STREAM_PING) {
    const ping = { seqNo: probe.seqNo, node: target.name };
    openStreamPing(state, {
      to: target.endpoint,
      ping: encodePing({ ...ping, source: ownSource(state) }),
      seqNo: probe.seqNo,
      deadlineMs: probe.endsAtMs,
    });
  }
}

function sendIndirectPing(
  state: SwimState,
  probe: Probe,
  helper: Member,
): void {
  const wantsNack = (helper.versions[1] ?? 0) >= VERSION_NACK;
  if (wantsNack) probe.nacksExpected++;
  const message = encodeIndirectPing({
    seqNo: probe.seqNo,
    target: probe.target.address,
    port: probe.target.port,
    node: probe.target.name,
    wantsNack,
    source: ownSource(state),
  });
  sendMessage(state, helper.endpoint, message);
}

/** Helpers that did not even send a nack speak for a fault on our own side. */
function failProbe(state: SwimState, probe: Probe): void {
  state.probe = undefined;
  const missing = probe.nacksExpected - probe.nacks;
  adjustHealth(state, probe.nacksExpected > 0 ? Math.max(0, missing) : 1);
  if (isGone(probe.target.status)) return;
  state.delegate.onNotice(`Suspecting ${probe.target.name}: no answer`);
  applyAccusation(state, accusationBy(state, probe.target));
}

function accusationBy(state: SwimState, target: Member) {
  return {
    kind: "suspect",
    incarnation: target.incarnation,
    node: target.name,
    from: state.config.name,
  } as const;
}

function expireRelayedProbes(state: SwimState): void {
  for (const [seqNo, relayed] of state.relayedProbes) {
    if (relayed.endsAtMs > state.nowMs) continue;
    state.relayedProbes.delete(seqNo);
    if (!relayed.wantsNack) continue;
    sendMessage(state, relayed.origin, encodeNack(relayed.originSeqNo));
  }
}

function ownSource(state: SwimState): PingSource {
  const { advertiseAddress, advertisePort, name } = state.config;
  return { address: advertiseAddress, port: advertisePort, name };
}
