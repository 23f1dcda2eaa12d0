/**
 * Which of two claims about a member holds: the one rule that makes all
 * tables agree. Claims are ordered by incarnation, then by rank; the greater
 * one wins, in whatever order they come. Pure; used by `claims.ts`.
 *
 * This is memberlist's rule made total: there, what is "suspect" or "left"
 * can depend on the order in which messages came (see docs/swim.md).
 */
import type { NodeStatus } from "./wire/push_pull.ts";

export interface Claim {
  readonly status: NodeStatus;
  readonly incarnation: number;
}

const RANK: Readonly<Record<NodeStatus, number>> = {
  alive: 0,
  suspect: 1,
  dead: 2,
  left: 3,
};

/** Below 0 if `a` is weaker than `b`, above 0 if it is stronger, 0 if equal. */
export function compareClaims(a: Claim, b: Claim): number {
  return a.incarnation - b.incarnation || RANK[a.status] - RANK[b.status];
}

/** Whether a member is out of the cluster, by its own will or not. */
export function isGone(status: NodeStatus): boolean {
  return status === "dead" || status === "left";
}

export interface KnownMember extends Claim {
  readonly statusChangedAtMs: number;
}

/**
 * What to do with news that a known member is alive at another address:
 * "move" it there, or report a "conflict" of two nodes with one name.
 */
export function judgeMove(
  known: KnownMember,
  options: { nowMs: number; reclaimMs: number },
): "move" | "conflict" {
  if (known.status === "left") return "move";
  const goneForMs = options.nowMs - known.statusChangedAtMs;
  return known.status === "dead" && goneForMs >= options.reclaimMs
    ? "move"
    : "conflict";
}

/** What to do with a claim that the node itself is not alive, or alive otherwise. */
export function judgeAccusation(
  own: Claim,
  accusedIncarnation: number,
): "ignore" | "refute" {
  if (accusedIncarnation < own.incarnation || isGone(own.status)) {
    return "ignore";
  }
  return "refute";
}

/** The incarnation that outdoes both our own and the accuser's. */
export function refutingIncarnation(own: number, accused: number): number {
  return Math.max(own, accused) + 1;
}
