/**
 * From what gossip sees to what Raft's configuration should be: at most one
 * change at a time. Pure: the leader asks after every news and now and then, all
 * nodes keep `memory` up to date by asking, so that a new leader knows since
 * when somebody is gone.
 *
 * Rules, in the order in which a change is looked for:
 * 1. A member that is alive at a new address is readdressed.
 * 2. A member that is leaving or left is removed when it has been so for
 *    `leftGraceMs`: one that only restarts comes back and stays what it is.
 * 3. A member whose name or address a living node with another identity has
 *    taken over is removed: its data is gone, and it cannot come back.
 * 4. A member that failed stays, until it has been gone for `failedReapMs`.
 * 5. A living node that is no member becomes a learner; Raft makes it a voter.
 * Never a change without a quorum, none while one is under way, none that would
 * cost the quorum, none about nodes that are in conflict with each other.
 */
import type {
  ConfigurationChange,
  Member,
  NodeId,
} from "../raft/configuration.ts";
import { memberOf } from "../raft/configuration.ts";
import { type Claims, claimsOf } from "./claims.ts";
import type { NodeView } from "./node_view.ts";
import { isDamped, remember } from "./reconcile_memory.ts";
import type {
  Finding,
  ReconcileInput,
  ReconcileResult,
} from "./reconcile_types.ts";
import { planRemoval } from "./removal.ts";
import { hasQuorum, reachability, voterSet } from "./voter_set.ts";

export function reconcile(input: ReconcileInput): ReconcileResult {
  const memory = remember(input);
  const claims = claimsOf(input.nodes, input);
  const { raft } = input;
  if (raft.role !== "leader") {
    return { change: undefined, reason: undefined, findings: [], memory };
  }
  const isReachable = reachability(raft, input.config.silentMaxMs);
  const context = { ...input, memory, claims, isReachable };
  const found = new Findings(claims.findings);
  const voters = voterSet(raft.configuration, isReachable);
  if (!hasQuorum(voters)) {
    found.add({
      kind: "no_quorum",
      node: "",
      text:
        `Only ${voters.reachable} of ${voters.voters.length} voters can be reached`,
    });
    return { ...NO_CHANGE, findings: found.all, memory };
  }
  const isPending = raft.configurationIndex > raft.commitIndex;
  const wanted = firstChange(context, found);
  const { change, reason } = isPending ? NO_CHANGE : wanted;
  return { change, reason, findings: found.all, memory };
}

interface Wanted {
  readonly change: ConfigurationChange | undefined;
  readonly reason: string | undefined;
}

interface Context extends ReconcileInput {
  readonly claims: Claims;
  readonly isReachable: (id: NodeId) => boolean;
}

const NO_CHANGE: Wanted = { change: undefined, reason: undefined };

class Findings {
  readonly all: Finding[];

  constructor(initial: readonly Finding[]) {
    this.all = [...initial];
  }

  add(finding: Finding): void {
    this.all.push(finding);
  }
}

function firstChange(context: Context, found: Findings): Wanted {
  const { members } = context.raft.configuration;
  const moves = members.map((member) => readdress(context, member));
  const removals = members.map((member) => removal(context, member, found));
  const additions = context.nodes.map((node) => addition(context, node, found));
  return [...moves, ...removals, ...additions]
    .find(({ change }) => change !== undefined) ?? NO_CHANGE;
}

function readdress(context: Context, member: Member): Wanted {
  const node = context.claims.nodeOf(member.id);
  if (node === undefined || node.status !== "alive") return NO_CHANGE;
  if (node.rpcAddress === member.address) return NO_CHANGE;
  if (!isStable(context, node) || isDamped(context, member.id)) {
    return NO_CHANGE;
  }
  const { id } = member;
  return {
    change: { kind: "readdress", id, address: node.rpcAddress },
    reason:
      `node ${member.name} moved from ${member.address} to ${node.rpcAddress}`,
  };
}

function removal(context: Context, member: Member, found: Findings): Wanted {
  const reason = whyRemove(context, member, found);
  if (reason === undefined) return NO_CHANGE;
  const plan = planRemoval(context.raft, member, context.config);
  if (plan.ok || plan.reason === "change_pending") {
    return { change: { kind: "remove", id: member.id }, reason };
  }
  const text = plan.message;
  found.add({ kind: "would_cost_quorum", node: member.name, text });
  return NO_CHANGE;
}

function whyRemove(
  context: Context,
  member: Member,
  found: Findings,
): string | undefined {
  if (context.claims.isConflicted(member.id)) return undefined;
  const node = context.claims.nodeOf(member.id);
  if (node?.status === "alive") return undefined;
  const isLeaving = node?.status === "leaving" || node?.status === "left";
  const isReachable = context.isReachable(member.id);
  // What Raft hears is not gone, whatever gossip says.
  if (isReachable && !isLeaving) return undefined;
  const heir = isReachable ? undefined : heirOf(context, member);
  if (heir !== undefined) {
    return `node ${heir.name} has taken over the place of ${member.name} with a new identity (${heir.id} for ${member.id})`;
  }
  const goneMs = context.nowMs -
    (context.memory.goneSinceMs.get(member.id) ?? context.nowMs);
  const { leftGraceMs, failedReapMs } = context.config;
  if (goneMs >= (isLeaving ? leftGraceMs : failedReapMs)) {
    return isLeaving
      ? `node ${member.name} has left`
      : `node ${member.name} has been gone for ${
        Math.round(goneMs / 3_600_000)
      } h`;
  }
  found.add(
    isLeaving ? leftFinding(member, leftGraceMs) : failedFinding(member),
  );
  return undefined;
}

function leftFinding({ name: node }: Member, graceMs: number): Finding {
  const text =
    `Node ${node} has left, and is removed unless it is back within ${graceMs} ms`;
  return { kind: "left", node, text };
}

function failedFinding({ name: node }: Member): Finding {
  const text = `Node ${node} has failed and stays a member`;
  return { kind: "failed", node, text };
}

/** A living node that has the name or the address, and another identity. */
function heirOf(context: Context, member: Member): NodeView | undefined {
  return context.nodes.find((node) =>
    node.status === "alive" && node.id !== member.id &&
    isStable(context, node) && !context.claims.isConflicted(node.id) &&
    isOurs(context, node) &&
    (node.name === member.name || node.rpcAddress === member.address)
  );
}

function addition(context: Context, node: NodeView, found: Findings): Wanted {
  const { configuration } = context.raft;
  if (node.status !== "alive" || context.claims.isConflicted(node.id)) {
    return NO_CHANGE;
  }
  if (!isOurs(context, node)) {
    const text =
      `Node ${node.name} belongs to cluster ${node.clusterId} and not to ${context.clusterId}`;
    found.add({ kind: "other_cluster", node: node.name, text });
    return NO_CHANGE;
  }
  if (memberOf(configuration, node.id) !== undefined) return NO_CHANGE;
  const rival = configuration.members.find((member) =>
    member.name === node.name || member.address === node.rpcAddress
  );
  if (rival !== undefined) {
    if (context.isReachable(rival.id)) found.add(rivalry(node, rival));
    return NO_CHANGE;
  }
  if (!isStable(context, node) || isDamped(context, node.id)) return NO_CHANGE;
  const { id, name, rpcAddress: address } = node;
  return {
    change: { kind: "add_learner", member: { id, name, address } },
    reason: `node ${name} has joined`,
  };
}

/** The member lives, and somebody else claims to be in its place. */
function rivalry(node: NodeView, rival: Member): Finding {
  return node.name === rival.name
    ? {
      kind: "name_conflict",
      node: node.name,
      text:
        `Node ${node.id} at ${node.rpcAddress} has the name ${node.name}, which member ${rival.id} at ${rival.address} has`,
    }
    : {
      kind: "address_conflict",
      node: node.name,
      text:
        `Node ${node.name} claims ${node.rpcAddress}, where member ${rival.name} is`,
    };
}

function isOurs(context: Context, node: NodeView): boolean {
  return node.clusterId === "" || context.clusterId === "" ||
    node.clusterId === context.clusterId;
}

function isStable({ nowMs, config }: Context, node: NodeView): boolean {
  return nowMs - node.sinceMs >= config.aliveStableMs;
}
