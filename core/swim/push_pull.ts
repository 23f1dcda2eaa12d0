/**
 * The exchange of whole tables: on joining, then now and then with a random
 * member, so that news which gossip lost arrives after all.
 */
import { applyAccusation, applyAlive } from "./claims.ts";
import { isGone } from "./precedence.ts";
import { pickSome, randomBelow } from "./random.ts";
import type { SwimState } from "./state.ts";
import { openPushPull } from "./streams.ts";
import {
  encodePushPull,
  type PushPull,
  type PushPullNode,
} from "./wire/push_pull.ts";

/** Up to this many members the interval is not stretched. */
const PUSH_PULL_SCALE_FROM = 32;

export function tickPushPull(state: SwimState): void {
  if (state.pushPullAtMs > state.nowMs) return;
  state.pushPullAtMs = state.nowMs + pushPullIntervalMs(state);
  const [peer] = pickSome(state.random, state.members.all, {
    count: 1,
    accepts: (member) =>
      member.status === "alive" && member.name !== state.config.name,
  });
  if (peer === undefined) return;
  const bytes = encodeLocalState(state, { isJoin: false });
  openPushPull(state, { to: peer.endpoint, bytes, isJoin: false });
}

/** The first exchange comes at a random moment, so that nodes spread out. */
export function firstPushPullAtMs(
  state: Pick<SwimState, "random" | "config">,
  nowMs: number,
): number {
  const intervalMs = state.config.timings.pushPullIntervalMs;
  return nowMs + randomBelow(state.random, intervalMs);
}

export function encodeLocalState(
  state: SwimState,
  options: { isJoin: boolean },
): Uint8Array {
  return encodePushPull({
    isJoin: options.isJoin,
    nodes: state.members.all,
    userState: state.delegate.localState(),
  });
}

/** Takes a peer's table into ours; the reason if it is refused as a whole. */
export function mergeRemoteState(
  state: SwimState,
  remote: PushPull,
): string | undefined {
  const refusal = verifyVersions([...remote.nodes, ...state.members.all]);
  if (refusal !== undefined) return refusal;
  for (const node of remote.nodes) mergeNode(state, node);
  if (remote.userState.length > 0) {
    state.delegate.mergeRemoteState(remote.userState, {
      isJoin: remote.isJoin,
    });
  }
  return undefined;
}

/** Hearsay about death is only suspicion: the accused must be able to answer. */
function mergeNode(state: SwimState, node: PushPullNode): void {
  const { name, incarnation, status } = node;
  if (status === "alive") {
    applyAlive(state, { ...node, kind: "alive", node: name });
    return;
  }
  const isLeft = status === "left";
  applyAccusation(state, {
    kind: isLeft ? "dead" : "suspect",
    incarnation,
    node: name,
    from: isLeft ? name : state.config.name,
  });
}

/** Every version spoken must be understood by all that are alive. */
export function verifyVersions(
  nodes: readonly PushPullNode[],
): string | undefined {
  let [protocolMin, protocolMax, delegateMin, delegateMax] = [0, 255, 0, 255];
  for (const { status, versions } of nodes) {
    if (status !== "alive") continue;
    protocolMin = Math.max(protocolMin, versions[0] ?? 0);
    protocolMax = Math.min(protocolMax, versions[1] ?? 0);
    delegateMin = Math.max(delegateMin, versions[3] ?? 0);
    delegateMax = Math.min(delegateMax, versions[4] ?? 0);
  }
  for (const { name, versions, status } of nodes) {
    if (isGone(status)) continue;
    const [protocol, delegate] = [versions[2] ?? 0, versions[5] ?? 0];
    if (protocol < protocolMin || protocol > protocolMax) {
      return `protocol version ${protocol} of ${name} is not spoken by all`;
    }
    if (delegate < delegateMin || delegate > delegateMax) {
      return `delegate version ${delegate} of ${name} is not spoken by all`;
    }
  }
  return undefined;
}

/** Larger clusters exchange less often, so that the whole costs the same. */
function pushPullIntervalMs(state: SwimState): number {
  const intervalMs = state.config.timings.pushPullIntervalMs;
  const members = state.members.size;
  if (members <= PUSH_PULL_SCALE_FROM) return intervalMs;
  const doublings = Math.log2(members) - Math.log2(PUSH_PULL_SCALE_FROM);
  return intervalMs * (Math.ceil(doublings) + 1);
}
