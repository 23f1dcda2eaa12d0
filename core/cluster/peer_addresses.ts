/**
 * Whom to dial, and where. The members of the configuration: gossip knows their
 * addresses better than the configuration does, which may be from before a
 * restart, so nodes that all come back elsewhere find each other without a
 * quorum. And the living nodes of the cluster that are no members, as far as
 * this node knows: one that is being taken in has no configuration yet and must
 * answer the leader all the same.
 */
import type { Configuration, NodeId } from "../raft/configuration.ts";
import { claimsOf } from "./claims.ts";
import type { NodeView } from "./node_view.ts";

/** For the peer links: id to "host:port", this node left out. */
export function peerAddresses(
  configuration: Configuration,
  nodes: readonly NodeView[],
  selfId: NodeId,
): Map<NodeId, string> {
  const clusterId = nodes.find(({ id }) => id === selfId)?.clusterId ?? "";
  const claims = claimsOf(nodes, { conflictedNames: new Set() });
  const addresses = new Map<NodeId, string>();
  for (const { id, address } of configuration.members) {
    addresses.set(id, claims.nodeOf(id)?.rpcAddress ?? address);
  }
  for (const node of nodes) {
    const isOurs = node.clusterId === "" || clusterId === "" ||
      node.clusterId === clusterId;
    const isNew = !addresses.has(node.id) && !claims.isConflicted(node.id);
    if (node.status === "alive" && isOurs && isNew) {
      addresses.set(node.id, node.rpcAddress);
    }
  }
  addresses.delete(selfId);
  return addresses;
}
