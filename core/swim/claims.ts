/**
 * Applies claims (alive, suspect, dead, left) to the table: who wins is
 * decided in `precedence.ts`, this does what follows from it: timers, gossip,
 * refutation, and news for the layer above.
 */
import { MEMBERS_MAX } from "./limits.ts";
import { endpointOf, equalBytes, type Member } from "./members.ts";
import { isElsewhere, judgeElsewhere } from "./moves.ts";
import {
  compareClaims,
  isGone,
  judgeAccusation,
  refutingIncarnation,
} from "./precedence.ts";
import { adjustHealth, ownMember, type SwimState } from "./state.ts";
import { confirmSuspicion, startSuspicion } from "./suspicion.ts";
import { type Accusation, type Alive, encodeAlive } from "./wire/messages.ts";
import { encodeAccusation } from "./wire/messages.ts";
import type { NodeStatus } from "./wire/push_pull.ts";

/** A member says that it is alive, or another says so for it. */
export function applyAlive(state: SwimState, claim: Alive): void {
  const alive = withPort(state, claim);
  if (!isPlausible(alive) || claim.node === "") return;
  const known = state.members.get(alive.node);
  if (known === undefined) return addMember(state, alive);
  const isMoved = isElsewhere(known, alive);
  if (isMoved) {
    const verdict = judgeElsewhere(state, known, alive);
    if (verdict === "refute") {
      state.delegate.onNotice("Refuting an earlier claim of ours");
      return refute(state, alive.incarnation);
    }
    if (verdict === "ignore") return;
  }
  if (alive.node === state.config.name) return applyOwnAlive(state, alive);
  const isNews = compareClaims(
    { status: "alive", incarnation: alive.incarnation },
    known,
  ) > 0;
  if (isNews || isMoved) acceptAlive(state, known, alive);
}

/** Someone suspects a member, or says that it is dead or left. */
export function applyAccusation(state: SwimState, claim: Accusation): void {
  const known = state.members.get(claim.node);
  if (known === undefined) return;
  if (claim.node === state.config.name && state.phase === "running") {
    if (judgeAccusation(known, claim.incarnation) === "refute") {
      state.delegate.onNotice(`Refuting that we are ${claim.kind}`);
      refute(state, claim.incarnation);
    }
    return;
  }
  const status = statusClaimed(claim);
  const order = compareClaims(
    { status, incarnation: claim.incarnation },
    known,
  );
  if (order > 0) acceptAccusation(state, known, { ...claim, status });
  else if (status === "suspect" && order === 0) {
    confirm(state, known, claim);
  }
}

/** Suspects whose time is over are dead. */
export function tickSuspicions(state: SwimState): void {
  for (const [name, suspicion] of state.suspicions) {
    if (suspicion.deadlineMs > state.nowMs) continue;
    const member = state.members.get(name)!;
    state.delegate.onNotice(`Suspect ${name} has not answered in time`);
    applyAccusation(state, {
      kind: "dead",
      incarnation: member.incarnation,
      node: name,
      from: state.config.name,
    });
  }
}

/** Tells everyone that we are alive, with an incarnation that beats `accused`. */
export function refute(state: SwimState, accused: number): void {
  state.incarnation = refutingIncarnation(state.incarnation, accused);
  adjustHealth(state, 1);
  announceOurselves(state);
}

/** Takes our meta data anew and tells everyone, under the current incarnation. */
export function announceOurselves(state: SwimState): void {
  const own = ownMember(state);
  const meta = state.delegate.meta();
  const isUpdate = !equalBytes(own.meta, meta);
  own.meta = meta;
  own.incarnation = state.incarnation;
  queueAlive(state, own);
  if (isUpdate) state.delegate.onUpdate(own);
}

/** Our own leave: we are the one who may say that we are gone. */
export function announceLeave(state: SwimState): void {
  const name = state.config.name;
  applyAccusation(state, {
    kind: "dead",
    incarnation: state.incarnation,
    node: name,
    from: name,
  });
}

/** A port of 0 means "the port that you use yourself". */
function withPort(state: SwimState, claim: Alive): Alive {
  if (claim.port !== 0) return claim;
  return { ...claim, port: state.config.advertisePort };
}

function isPlausible(alive: Alive): boolean {
  const [pmin, pmax] = alive.versions;
  if (pmin === undefined || pmax === undefined) return false;
  if (pmin === 0 || pmax === 0 || pmin > pmax) return false;
  return endpointOf(alive.address, alive.port) !== undefined;
}

function addMember(state: SwimState, alive: Alive): void {
  if (state.members.size >= MEMBERS_MAX) {
    state.delegate.onNotice(`Cannot add ${alive.node}: the table is full`);
    return;
  }
  const member: Member = {
    name: alive.node,
    address: alive.address,
    port: alive.port,
    endpoint: endpointOf(alive.address, alive.port)!,
    meta: alive.meta,
    versions: alive.versions,
    incarnation: 0,
    status: "dead",
    statusChangedAtMs: state.nowMs,
    conflictToldAtMs: Number.NEGATIVE_INFINITY,
  };
  state.members.add(member);
  acceptAlive(state, member, alive);
}

/** Others have our name and address, but perhaps from an earlier life of ours. */
function applyOwnAlive(state: SwimState, alive: Alive): void {
  const own = ownMember(state);
  if (isGone(own.status) || alive.incarnation < own.incarnation) return;
  const isSame = alive.incarnation === own.incarnation &&
    equalBytes(alive.meta, own.meta) &&
    equalBytes(alive.versions, own.versions);
  if (!isSame) refute(state, alive.incarnation);
}

function acceptAlive(state: SwimState, member: Member, alive: Alive): void {
  const wasGone = isGone(member.status);
  const isUpdate = isElsewhere(member, alive) ||
    !equalBytes(member.meta, alive.meta);
  // The claim's bytes are views of its packet, which is not ours to keep.
  member.address = alive.address.slice();
  member.port = alive.port;
  member.endpoint = endpointOf(alive.address, alive.port)!;
  member.meta = alive.meta.slice();
  member.versions = alive.versions.slice();
  member.incarnation = alive.incarnation;
  setStatus(state, member, "alive");
  queueAlive(state, member);
  if (wasGone) state.delegate.onJoin(member);
  else if (isUpdate) state.delegate.onUpdate(member);
}

function acceptAccusation(
  state: SwimState,
  member: Member,
  claim: Accusation & { readonly status: NodeStatus },
): void {
  const before = member.status;
  member.incarnation = claim.incarnation;
  setStatus(state, member, claim.status);
  if (claim.status === "suspect") suspect(state, member, claim.from);
  queueAccusation(state, claim);
  if (isGone(before) && !isGone(claim.status)) state.delegate.onJoin(member);
  if (!isGone(before) && isGone(claim.status)) state.delegate.onLeave(member);
}

function suspect(state: SwimState, member: Member, from: string): void {
  const running = state.suspicions.get(member.name);
  if (running !== undefined) {
    confirmSuspicion(running, from);
    return;
  }
  const suspicion = startSuspicion(state.config.timings, {
    from,
    members: state.members.size,
    nowMs: state.nowMs,
  });
  state.suspicions.set(member.name, suspicion);
}

function confirm(state: SwimState, member: Member, claim: Accusation): void {
  const suspicion = state.suspicions.get(member.name);
  if (suspicion === undefined) return;
  if (confirmSuspicion(suspicion, claim.from)) queueAccusation(state, claim);
}

function setStatus(
  state: SwimState,
  member: Member,
  status: NodeStatus,
): void {
  if (status !== "suspect") state.suspicions.delete(member.name);
  if (member.status === status) return;
  member.status = status;
  member.statusChangedAtMs = state.nowMs;
}

function statusClaimed(claim: Accusation): NodeStatus {
  if (claim.kind === "suspect") return "suspect";
  return claim.node === claim.from ? "left" : "dead";
}

function queueAlive(state: SwimState, member: Member): void {
  const { address, port, meta, versions, incarnation } = member;
  const node = member.name;
  state.queue.push(
    node,
    encodeAlive({ node, address, port, meta, versions, incarnation }),
  );
}

function queueAccusation(state: SwimState, claim: Accusation): void {
  state.queue.push(claim.node, encodeAccusation(claim));
}
