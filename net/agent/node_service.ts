/**
 * What the port for clients serves, without the port: the logs of this node, who
 * the servers are, and the way to the leader. Callers: rpc_part.ts, and the
 * simulator, which has another port.
 */
import { nodesOf } from "../../core/cluster/node_view.ts";
import type { Guard, ServerInfo, ServiceBackend } from "../rpc/backend.ts";
import { Forwarder, type LeaderPlace } from "../rpc/forward.ts";
import type { DialLeader } from "../rpc/leader_connections.ts";
import { createClusterBackend } from "./cluster/cluster_backend.ts";
import type { ClusterPart } from "./cluster_part.ts";
import type { GossipPart } from "./gossip_part.ts";
import type { Host } from "./host.ts";
import type { LogPart } from "./log_part.ts";

/** How long the leader may take to answer a new connection. */
export const LEADER_CONNECT_TIMEOUT_MS = 2_000;

export interface NodeServiceOptions {
  readonly host: Host;
  readonly log: LogPart;
  readonly cluster: () => ClusterPart;
  readonly gossip: () => GossipPart;
  /** Connects as a peer. */
  readonly dialLeader: DialLeader;
}

export class NodeService {
  readonly #options: NodeServiceOptions;
  readonly #forwarder: Forwarder;

  constructor(options: NodeServiceOptions) {
    this.#options = options;
    this.#forwarder = new Forwarder({
      ...options.host,
      leader: (log) => this.#leaderOf(log),
      dial: options.dialLeader,
    });
  }

  /** For the handlers. */
  backend(
    own: { readonly guard: Guard; readonly status: ServiceBackend["status"] },
  ): ServiceBackend {
    const { host, log, cluster, gossip } = this.#options;
    return {
      ...own,
      log: (name) => log.replicas.get(name),
      servers: () => this.#servers(),
      cluster: createClusterBackend({
        host,
        replicas: log.replicas,
        members: () => gossip().members(),
        clusterId: () => cluster().clusterId,
        gossipKey: (request) => gossip().changeKey(request),
      }),
      forwarder: this.#forwarder,
    };
  }

  /** A log has another leader, or none. */
  leaderChanged(): void {
    this.#forwarder.leaderChanged([...this.#options.log.replicas.keys()]);
  }

  close(): void {
    this.#forwarder.close();
  }

  /** Raft's members; gossip knows newer addresses. Learners serve reads too. */
  #servers(): ServerInfo[] {
    const status = this.#options.log.default?.status();
    if (status === undefined) return [];
    return status.configuration.members.map((member) => ({
      id: member.name,
      rpcAddress: this.#addressOf(member.id) ?? member.address,
      isLeader: member.id === status.leaderId,
    }));
  }

  #addressOf(nodeId: string): string | undefined {
    const nodes = nodesOf(this.#options.gossip().members());
    return nodes.find(({ id }) => id === nodeId)?.rpcAddress;
  }

  #leaderOf(log: string): LeaderPlace | undefined {
    const replica = this.#options.log.replicas.get(log);
    const leaderId = replica?.leaderId;
    if (replica === undefined) return undefined;
    if (leaderId === undefined) {
      // A full disk can be why nobody leads: then that is the answer.
      return replica.facts.appendBlocked === "" ? undefined : { kind: "here" };
    }
    if (leaderId === replica.nodeId) return { kind: "here" };
    const { members } = replica.status().configuration;
    const address = this.#addressOf(leaderId) ??
      members.find(({ id }) => id === leaderId)?.address;
    return address === undefined ? undefined : { kind: "there", address };
  }
}
