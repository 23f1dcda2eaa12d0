/**
 * When a node founds a cluster, and when it waits to be taken in. Pure.
 *
 * 1. Data from before: neither; Raft goes on where it was.
 * 2. No seed to join, or told to: it founds at once.
 * 3. `bootstrapExpect`: when exactly so many nodes expect it and none belongs to
 *    a cluster, the one with the smallest id founds; the others are taken in.
 * 4. Otherwise it waits.
 */
import type { NodeView } from "../../../core/cluster/node_view.ts";
import type {
  Configuration,
  NodeId,
} from "../../../core/raft/configuration.ts";
import type { MemberView } from "../../../core/swim/serf/events.ts";
import {
  TAG_CLUSTER_ID,
  TAG_NODE_ID,
} from "../../../core/cluster/node_view.ts";
import { isClusterId } from "./cluster_identity.ts";

export const TAG_EXPECT = "expect";

export interface FoundingRules {
  readonly joinSeedCount: number;
  readonly bootstrap: boolean;
  readonly bootstrapExpect: number | undefined;
}

export type FoundingDecision = "found" | "wait";

export function decideFounding(
  rules: FoundingRules,
  self: { readonly nodeId: string },
  members: readonly MemberView[],
): FoundingDecision {
  const { bootstrapExpect } = rules;
  if (bootstrapExpect !== undefined) {
    return isFirstOfExpected(bootstrapExpect, self.nodeId, members)
      ? "found"
      : "wait";
  }
  return rules.bootstrap || rules.joinSeedCount === 0 ? "found" : "wait";
}

function isFirstOfExpected(
  count: number,
  nodeId: string,
  members: readonly MemberView[],
): boolean {
  const alive = members.filter(({ status }) => status === "alive");
  if (alive.some(({ tags }) => (tags[TAG_CLUSTER_ID] ?? "") !== "")) {
    return false;
  }
  const ids = alive
    .filter(({ tags }) => tags[TAG_EXPECT] === String(count))
    .map(({ tags }) => tags[TAG_NODE_ID] ?? "")
    .sort();
  return ids.length === count && ids[0] === nodeId;
}

/**
 * The cluster of a node that does not know it: it was taken in just now, or has
 * lost the file. The other members know, the leader first; an only member is the
 * founder, or as good as one. Undefined while nobody can say.
 */
export function clusterToAdopt(
  group: {
    readonly configuration: Configuration;
    readonly leaderId: NodeId | undefined;
    readonly nodeId: NodeId;
  },
  nodes: readonly NodeView[],
): string | undefined {
  const { configuration, leaderId, nodeId } = group;
  const ids = configuration.members.map(({ id }) => id);
  if (!ids.includes(nodeId)) return undefined;
  if (ids.length === 1) return leaderId === nodeId ? nodeId : undefined;
  const telling = nodes.filter(({ id, clusterId }) =>
    id !== nodeId && ids.includes(id) && isClusterId(clusterId)
  );
  const leader = telling.find(({ id }) => id === leaderId);
  return (leader ?? telling[0])?.clusterId;
}
