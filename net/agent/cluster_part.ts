/**
 * What makes one cluster of several agents: links between peers, the founding,
 * and membership that follows gossip. Starts after gossip, when all that it
 * joins is there.
 */
import { peerAddresses } from "../../core/cluster/peer_addresses.ts";
import { nodesOf, nodeTags } from "../../core/cluster/node_view.ts";
import type { GossipEvent } from "../../core/swim/serf/events.ts";
import type { Tags } from "../../core/swim/wire/tags.ts";
import type {
  PeerLinks,
  PeerLinksOptions,
} from "../transport/peer/peer_links.ts";
import { ClusterIdentity } from "./cluster/cluster_identity.ts";
import {
  clusterToAdopt,
  decideFounding,
  TAG_EXPECT,
} from "./cluster/founding.ts";
import { readMessage } from "./cluster/raft_network.ts";
import { ReconcileLoop } from "./cluster/reconcile_loop.ts";
import type { Replica } from "../runtime/replica/replica.ts";
import type { AgentOptions } from "./config.ts";
import type { GossipPart } from "./gossip_part.ts";
import type { Host } from "./host.ts";
import type { LogPart } from "./log_part.ts";
import type { Part } from "./parts.ts";
import type { SecurityPart } from "./security_part.ts";

/** What this part needs of the links: the simulator has its own. */
export type Links = Pick<PeerLinks, "handler" | "setPeers" | "send" | "stop">;

export interface ClusterPartOptions {
  readonly options: AgentOptions;
  readonly host: Host;
  readonly security: Pick<SecurityPart, "peerTls">;
  readonly openLinks: (options: PeerLinksOptions) => Links;
  readonly log: LogPart;
  readonly gossip: () => GossipPart;
  /** "host:port" for clients and peers. */
  readonly rpcAddress: () => string;
}

export class ClusterPart implements Part {
  readonly name = "cluster";
  readonly #part: ClusterPartOptions;
  readonly #identity: ClusterIdentity;
  #links: Links | undefined;
  #reconcile: ReconcileLoop | undefined;
  #isFounding = false;
  #told = "";

  constructor(part: ClusterPartOptions) {
    this.#part = part;
    const { host, options } = part;
    this.#identity = new ClusterIdentity(host.disk, options.dataDirectory);
  }

  get clusterId(): string {
    return this.#identity.id;
  }

  /** Undefined before `peers` has started. */
  get links(): Links | undefined {
    return this.#links;
  }

  /** What this node tells of itself by gossip. */
  tags(): Tags {
    const { log, rpcAddress, options } = this.#part;
    const { bootstrapExpect } = options;
    return {
      ...nodeTags({
        id: log.default?.nodeId ?? "",
        rpcAddress: rpcAddress(),
        clusterId: this.clusterId,
      }),
      ...(bootstrapExpect === undefined
        ? {}
        : { [TAG_EXPECT]: String(bootstrapExpect) }),
    };
  }

  /** The links between peers: there before anybody can dial us. */
  get peers(): Part {
    return {
      name: "peers",
      start: () => {
        this.#open();
        return Promise.resolve();
      },
      stop: () => {
        this.#links?.stop();
        return Promise.resolve();
      },
    };
  }

  #open(): void {
    const { host, security, log, openLinks } = this.#part;
    const replica = log.default;
    if (replica === undefined) return;
    this.#links = openLinks({
      ...host,
      self: { id: replica.nodeId, clusterId: () => this.clusterId },
      tls: () => security.peerTls,
      onMessage: (from, bytes) => replica.receive(readMessage(from, bytes)),
      onLinkState: (id, state) => {
        if (state === "down") replica.unreachable(id);
      },
      onNotice: ({ level, message, fields }) =>
        host.logger[level](message, fields),
    });
  }

  start(): Promise<void> {
    const { host, log, gossip, options } = this.#part;
    const replica = log.default;
    if (replica === undefined) return Promise.resolve();
    this.#reconcile = new ReconcileLoop({
      host,
      replica,
      members: () => gossip().members(),
      clusterId: () => this.clusterId,
      failedReapMs: options.failedReapMs,
    });
    this.#reconcile.start();
    if (this.clusterId === "" && replica.status().lastIndex > 0) {
      host.logger.warn(
        "the file cluster_id is not there: the other members are asked for it",
        { data_dir: options.dataDirectory },
      );
    }
    this.changed();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#reconcile?.stop();
    this.#reconcile = undefined;
    return Promise.resolve();
  }

  onGossip(event: GossipEvent): void {
    if (event.kind === "name_conflict") this.#reconcile?.conflict(event.name);
    if (event.kind.startsWith("member_")) this.changed();
  }

  /** Gossip or Raft has news: addresses, membership, the cluster's identity. */
  changed(): void {
    const { log, host } = this.#part;
    const replica = log.default;
    if (this.#reconcile === undefined || replica === undefined) return;
    try {
      this.#follow(replica, this.#reconcile);
    } catch (cause) {
      // Nobody is above the events that lead here.
      host.fail(cause);
    }
  }

  #follow(replica: Replica, reconcile: ReconcileLoop): void {
    const { gossip, host } = this.#part;
    const members = gossip().members();
    const { configuration } = replica.status();
    this.#links?.setPeers(
      peerAddresses(configuration, nodesOf(members), replica.nodeId),
    );
    this.#foundIfDue().catch((cause) => host.fail(cause));
    this.#adoptCluster().catch((cause) => host.fail(cause));
    reconcile.wake();
  }

  async #foundIfDue(): Promise<void> {
    const { log, gossip, options, host, rpcAddress } = this.#part;
    const replica = log.default;
    if (replica === undefined || this.#isFounding) return;
    const status = replica.status();
    if (status.term > 0 || status.lastIndex > 0) return;
    const rules = { ...options, joinSeedCount: options.joinSeeds.length };
    const decision = decideFounding(
      rules,
      { nodeId: replica.nodeId },
      gossip().members(),
    );
    if (decision === "wait") return this.#tellWaiting();
    this.#isFounding = true;
    const outcome = await replica.bootstrap([{
      id: replica.nodeId,
      name: options.nodeName,
      address: rpcAddress(),
    }]);
    this.#isFounding = outcome.ok;
    if (!outcome.ok) return;
    await this.#identity.adopt(replica.nodeId);
    host.logger.info("founded a cluster", { cluster_id: this.clusterId });
    this.#announce();
  }

  #tellWaiting(): void {
    if (this.#told === "waiting") return;
    this.#told = "waiting";
    this.#part.host.logger.info("waiting to be taken into a cluster");
  }

  /** A node that has been taken in, or has lost its file `cluster_id`. */
  async #adoptCluster(): Promise<void> {
    const replica = this.#part.log.default;
    if (this.clusterId !== "" || replica === undefined) return;
    if (this.#isFounding) return;
    const { nodeId } = replica;
    const clusterId = clusterToAdopt(
      { ...replica.status(), nodeId },
      nodesOf(this.#part.gossip().members()),
    );
    if (clusterId === undefined) return;
    await this.#identity.adopt(clusterId);
    this.#part.host.logger.info("joined a cluster", {
      cluster_id: this.clusterId,
    });
    this.#announce();
  }

  #announce(): void {
    this.#part.gossip().node?.setTags(this.tags());
  }
}
