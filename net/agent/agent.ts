/**
 * The composition root: builds the parts of a node in order, stops them in
 * reverse. Nothing else builds two subsystems. Callers: `proglog agent`, tests.
 */
import type { Logger } from "../telemetry/log.ts";
import { ClusterPart } from "./cluster_part.ts";
import { handOverPart } from "./cluster/hand_over.ts";
import { raftNetwork } from "./cluster/raft_network.ts";
import type { AgentOptions } from "./config.ts";
import { GossipPart } from "./gossip_part.ts";
import { createHost } from "./host.ts";
import { LogPart } from "./log_part.ts";
import { type Part, startParts, stopParts } from "./parts.ts";
import { RpcPart } from "./rpc_part.ts";
import { SecurityPart } from "./security_part.ts";
import { dnsResolver } from "../transport/gossip/dns_resolver.ts";
import { listenGossip } from "../transport/gossip/socket_transport.ts";
import { PeerLinks } from "../transport/peer/peer_links.ts";

export class Agent {
  readonly #parts: readonly Part[];
  readonly #rpc: RpcPart;
  readonly #failed = Promise.withResolvers<never>();
  #stopping: Promise<void> | undefined;

  private constructor(options: AgentOptions, logger: Logger) {
    const host = createHost(logger, (cause) => this.#failed.reject(cause));
    const security = new SecurityPart(options, host);
    const log: LogPart = new LogPart({
      options,
      host,
      network: raftNetwork({
        links: () => cluster.links,
        onDropped: (to) => log.default?.unreachable(to),
      }),
      onChange: () => {
        cluster.changed();
        rpc.leaderChanged();
      },
    });
    const cluster: ClusterPart = new ClusterPart({
      options,
      host,
      security,
      log,
      openLinks: (options) => new PeerLinks(options),
      gossip: () => gossip,
      rpcAddress: () => rpc.address,
    });
    const rpc: RpcPart = new RpcPart(options, host, {
      security,
      log,
      cluster,
      gossip: () => gossip,
    });
    const gossip: GossipPart = new GossipPart({
      options,
      host,
      network: { resolver: dnsResolver, listen: listenGossip },
      tags: () => cluster.tags(),
      onEvent: (event) => cluster.onGossip(event),
    });
    const leadership = handOverPart({
      host,
      replicas: () => log.replicas.values(),
      members: () => gossip.members(),
    });
    this.#rpc = rpc;
    this.#parts = [
      security,
      log,
      cluster.peers,
      rpc,
      gossip,
      cluster,
      leadership,
    ];
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects with the first failure; then everything is stopped again. */
  static async start(options: AgentOptions, logger: Logger): Promise<Agent> {
    const agent = new Agent(options, logger);
    await startParts(agent.#parts);
    return agent;
  }

  /** The port for clients; the chosen one where 0 was asked for. */
  get rpcPort(): number {
    return this.#rpc.port;
  }

  /** Never resolves; rejects with the cause when a part can go on no more. */
  get failure(): Promise<never> {
    return this.#failed.promise;
  }

  /** Lets open calls end, makes everything durable, gives up all files. */
  stop(): Promise<void> {
    this.#stopping ??= stopParts(this.#parts);
    return this.#stopping;
  }
}
