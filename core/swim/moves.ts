/**
 * Claims that a known member is alive at another address: it has moved, or two
 * nodes have one name, or the claim is old. What is told to others because of
 * such a claim is bounded, as it may come back to us as a claim.
 */
import { type Alive, encodeAlive } from "./wire/messages.ts";
import type { Endpoint } from "./wire/ip.ts";
import { endpointOf, equalBytes, type Member } from "./members.ts";
import { sendParts } from "./packets.ts";
import { isGone, judgeMove } from "./precedence.ts";
import type { SwimState } from "./state.ts";

/**
 * "move": the claim is to be accepted; "refute": it is about us, from an
 * earlier life, and others must hear that it is over.
 */
export function judgeElsewhere(
  state: SwimState,
  known: Member,
  alive: Alive,
): "move" | "refute" | "ignore" {
  const isSame = state.delegate.isSameNode(known.meta, alive.meta);
  if (known.name === state.config.name) {
    return judgeOwn(state, known, { alive, isSame });
  }
  if (mayMove(state, known, { alive, isSame })) return "move";
  if (!isSame) report(state, known, alive);
  if (mayTell(state, known)) tell(state, known, { alive, isSame });
  return "ignore";
}

/** A node that knows its own earlier claims outdoes them; a name has no memory. */
function mayMove(
  state: SwimState,
  known: Member,
  { alive, isSame }: { alive: Alive; isSame: boolean },
): boolean {
  if (isSame) return alive.incarnation > known.incarnation;
  const { nowMs, config } = state;
  const reclaimMs = config.timings.deadNodeReclaimMs;
  return judgeMove(known, { nowMs, reclaimMs }) === "move";
}

/** What outdoes us long after our start was not left behind: a copy of us lives. */
function judgeOwn(
  state: SwimState,
  own: Member,
  { alive, isSame }: { alive: Alive; isSame: boolean },
): "refute" | "ignore" {
  if (!isSame) {
    report(state, own, alive);
    return "ignore";
  }
  if (isGone(own.status) || alive.incarnation < own.incarnation) {
    return "ignore";
  }
  const { deadNodeReclaimMs } = state.config.timings;
  if (state.nowMs - own.statusChangedAtMs < deadNodeReclaimMs) return "refute";
  report(state, own, alive);
  // Copies that outdo each other must not keep all others busy.
  if (state.nowMs - own.conflictToldAtMs < deadNodeReclaimMs) return "ignore";
  own.conflictToldAtMs = state.nowMs;
  return "refute";
}

function report(state: SwimState, known: Member, alive: Alive): void {
  const claimed = claimedEndpoint(alive);
  state.delegate.onConflict({ known, claimed });
}

/** Once for each name and interval: it may be told back to us. */
function mayTell(state: SwimState, known: Member): boolean {
  const { probeIntervalMs } = state.config.timings;
  if (state.nowMs - known.conflictToldAtMs < probeIntervalMs) return false;
  known.conflictToldAtMs = state.nowMs;
  return true;
}

/**
 * A node that has moved hears what we know of it, and outdoes it. The other
 * owner of a name hears the claim: its twin gossips with everyone but the name
 * that it takes for its own.
 */
function tell(
  state: SwimState,
  known: Member,
  { alive, isSame }: { alive: Alive; isSame: boolean },
): void {
  const to = isSame ? claimedEndpoint(alive) : known.endpoint;
  if (isOurs(state, to)) return;
  const told = isSame ? { ...known, node: known.name } : alive;
  const { node, incarnation, address, port, meta, versions } = told;
  const claim = { node, incarnation, address, port, meta, versions };
  sendParts(state, to, [encodeAlive(claim)]);
}

/** An address may have been another's before. */
function isOurs(state: SwimState, { host, port }: Endpoint): boolean {
  const { advertiseAddress, advertisePort } = state.config;
  const own = endpointOf(advertiseAddress, advertisePort);
  return own?.host === host && own.port === port;
}

/** `applyAlive` has checked the address. */
function claimedEndpoint(alive: Alive): Endpoint {
  return endpointOf(alive.address, alive.port)!;
}

/** Whether `alive` names another address than the one that is known. */
export function isElsewhere(known: Member, alive: Alive): boolean {
  return known.port !== alive.port ||
    !equalBytes(known.address, alive.address);
}
