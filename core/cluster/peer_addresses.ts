/**
 * Where to dial the other members: gossip knows better than the configuration,
 * whose addresses may be from before a restart. So nodes that all come back with
 * new addresses find each other without a quorum.
 */
import type { Configuration, NodeId } from "../raft/configuration.ts";
import { claimsOf } from "./claims.ts";
import type { NodeView } from "./node_view.ts";

/**
 * For the peer links: id to "host:port", this node left out. A node that does
 * not find itself in its configuration links to all nodes of clusters: one of
 * them may be about to take it in, and waits for its answers.
 */
export function peerAddresses(
  configuration: Configuration,
  nodes: readonly NodeView[],
  selfId: NodeId,
): Map<NodeId, string> {
  const claims = claimsOf(nodes, { conflictedNames: new Set() });
  const addresses = new Map<NodeId, string>();
  if (!configuration.members.some(({ id }) => id === selfId)) {
    for (const { id, rpcAddress, clusterId, status } of nodes) {
      const isThere = status === "alive" && clusterId !== "";
      if (id !== selfId && isThere) addresses.set(id, rpcAddress);
    }
  }
  for (const { id, address } of configuration.members) {
    if (id === selfId) continue;
    addresses.set(id, claims.nodeOf(id)?.rpcAddress ?? address);
  }
  return addresses;
}
