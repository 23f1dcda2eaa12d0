/**
 * What gossip says of the nodes of a log cluster, reduced to what membership
 * needs. Nodes without our tags (a plain gossip agent, say) are not in it.
 */
import type { NodeId } from "../raft/configuration.ts";
import type { MemberStatus, MemberView } from "../swim/serf/events.ts";
import type { Tags } from "../swim/wire/tags.ts";

/** Tags that each node gives itself; `rpc_addr` is the reference's. */
export const TAG_RPC_ADDRESS = "rpc_addr";
export const TAG_NODE_ID = "node_id";
export const TAG_CLUSTER_ID = "cluster_id";

export interface NodeView {
  /** Unique in gossip: the newest claim to it counts. */
  readonly name: string;
  /** Not unique where a data directory was copied. */
  readonly id: NodeId;
  /** "host:port" of clients and peers. */
  readonly rpcAddress: string;
  /** Empty while the node has not joined a cluster. */
  readonly clusterId: string;
  readonly status: MemberStatus;
  /** When the status began, on the clock of gossip. */
  readonly sinceMs: number;
}

export function nodeTags(
  node: Pick<NodeView, "id" | "rpcAddress" | "clusterId">,
): Tags {
  return {
    [TAG_RPC_ADDRESS]: node.rpcAddress,
    [TAG_NODE_ID]: node.id,
    [TAG_CLUSTER_ID]: node.clusterId,
  };
}

/** What a configuration and a greeting between peers have room for. */
const TEXT_BYTES_MAX = 255;

/**
 * Sorted by name. Gossip carries whatever anybody says: what cannot be a member
 * of a configuration, or be dialled, is left out.
 */
export function nodesOf(members: readonly MemberView[]): NodeView[] {
  const nodes = members.flatMap((member) => {
    const { name, tags, status, sinceMs } = member;
    const id = tags[TAG_NODE_ID] ?? "";
    const rpcAddress = tags[TAG_RPC_ADDRESS] ?? "";
    if (!isShort(name) || !isShort(id) || !isAddress(rpcAddress)) return [];
    const clusterId = tags[TAG_CLUSTER_ID] ?? "";
    return [{ name, id, rpcAddress, clusterId, status, sinceMs }];
  });
  return nodes.sort((left, right) => left.name < right.name ? -1 : 1);
}

function isShort(text: string): boolean {
  const { length } = new TextEncoder().encode(text);
  return length > 0 && length <= TEXT_BYTES_MAX;
}

/** "host:port" */
function isAddress(text: string): boolean {
  const port = Number(/^[^\0]+:(\d{1,5})$/.exec(text)?.[1]);
  return isShort(text) && port > 0 && port < 65_536;
}
