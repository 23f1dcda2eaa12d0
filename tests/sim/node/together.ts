/**
 * Whether all living nodes are one cluster: one leader, each of them a voter and
 * nobody else a member, at their present addresses, with one cluster id, the
 * same log, and gossip that shows all of them alive.
 */
import type { NodeWorld } from "./node_world.ts";
import type { SimNode } from "./sim_node.ts";

/** What is not yet so; undefined when all is. */
export function whyApart(
  world: NodeWorld,
  nodes: readonly SimNode[],
): string | undefined {
  const down = nodes.find((node) => !world.isReachable(node));
  if (down !== undefined) return `${down.id} has not started`;
  const leaders = nodes.filter(({ replica }) => replica?.isLeader);
  const [leader] = leaders;
  if (leader === undefined || leaders.length > 1) {
    return `${leaders.map(({ id }) => id).join(" ") || "nobody"} leads`;
  }
  return whyNotMembers(leader, nodes) ??
    first(nodes, (node) => whyNotIn(node, leader)) ??
    first(nodes, (node) => whyNotInGossip(node, nodes));
}

function whyNotMembers(
  leader: SimNode,
  nodes: readonly SimNode[],
): string | undefined {
  const status = leader.replica?.status();
  if (status === undefined) return "the leader is gone";
  const { members } = status.configuration;
  const have = members
    .map(({ id, address, role }) => `${id} ${role} at ${address}`)
    .sort().join(", ");
  const want = nodes
    .map(({ nodeId, address }) => `${nodeId} voter at ${address}:8400`)
    .sort().join(", ");
  return have === want ? undefined : `members are [${have}], not [${want}]`;
}

function whyNotIn(node: SimNode, leader: SimNode): string | undefined {
  const own = node.replica?.status();
  const last = leader.replica?.status().lastIndex;
  if (node.clusterId === "" || node.clusterId !== leader.clusterId) {
    return `${node.id} is in cluster "${node.clusterId}", not "${leader.clusterId}"`;
  }
  const has = `${own?.commitIndex} of ${own?.durableIndex}`;
  return has === `${last} of ${last}`
    ? undefined
    : `${node.id} has committed ${has}, not ${last}`;
}

function whyNotInGossip(
  node: SimNode,
  nodes: readonly SimNode[],
): string | undefined {
  const have = node.members()
    .filter(({ status }) => status === "alive")
    .map(({ name, host }) => `${name} ${host}`).sort().join(", ");
  const want = nodes.map(({ name, address }) => `${name} ${address}`)
    .sort().join(", ");
  return have === want ? undefined : `${node.id} sees [${have}], not [${want}]`;
}

function first<T>(
  values: readonly T[],
  why: (value: T) => string | undefined,
): string | undefined {
  for (const value of values) {
    const reason = why(value);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
