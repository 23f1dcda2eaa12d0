/**
 * The port for clients: TLS listener, gRPC server, and the services on it.
 */
import { nodesOf } from "../../core/cluster/node_view.ts";
import { identityOf } from "../auth/subject.ts";
import { dialGrpc, type GrpcLink } from "../grpc/dial.ts";
import { grpcHandler } from "../grpc/serve.ts";
import { GrpcServer } from "../grpc/server.ts";
import { adminMethods } from "../rpc/admin.ts";
import { HealthService } from "../rpc/health.ts";
import { reflectionMethods } from "../rpc/reflection.ts";
import type { ServerInfo, ServiceBackend } from "../rpc/backend.ts";
import { Forwarder, type LeaderPlace } from "../rpc/forward.ts";
import { logMethods } from "../rpc/service.ts";
import { statusOf } from "../rpc/status.ts";
import { listen, type Listener } from "../transport/listener.ts";
import { splitAddress } from "../transport/address.ts";
import {
  PROTOCOL_GRPC,
  PROTOCOL_RAFT,
  type ProtocolTable,
} from "../transport/types.ts";
import { createClusterBackend } from "./cluster/cluster_backend.ts";
import type { ClusterPart } from "./cluster_part.ts";
import type { GossipPart } from "./gossip_part.ts";
import { type AgentOptions, formatHostPort } from "./config.ts";
import type { Host } from "./host.ts";
import type { LogPart } from "./log_part.ts";
import type { Part } from "./parts.ts";
import type { SecurityPart } from "./security_part.ts";
import { nodeStatus } from "./status.ts";

const SERVICES = ["log.v1.Log", "proglog.v1.Admin", "grpc.health.v1.Health"];
/** How long open calls may go on after a stop was asked for. */
const DRAIN_MS = 3_000;

/** How long the leader may take to answer a new connection. */
const LEADER_CONNECT_TIMEOUT_MS = 2_000;

export interface RpcPartNeeds {
  readonly security: SecurityPart;
  readonly log: LogPart;
  readonly cluster: ClusterPart;
  readonly gossip: () => GossipPart;
}

export class RpcPart implements Part {
  readonly name = "rpc";
  readonly #options: AgentOptions;
  readonly #host: Host;
  readonly #parts: RpcPartNeeds;
  readonly #forwarder: Forwarder;
  readonly #health = new HealthService(SERVICES, "not_serving");
  #server: GrpcServer | undefined;
  #listener: Listener | undefined;

  constructor(
    options: AgentOptions,
    host: Host,
    parts: RpcPartNeeds,
  ) {
    this.#options = options;
    this.#host = host;
    this.#parts = parts;
    this.#forwarder = new Forwarder({
      ...host,
      leader: (log) => this.#leaderOf(log),
      dial: (address) => this.#dialLeader(address),
    });
  }

  /** A log has another leader, or none. */
  leaderChanged(): void {
    this.#forwarder.leaderChanged([...this.#parts.log.replicas.keys()]);
  }

  get port(): number {
    return this.#listener?.port ?? this.#options.rpcAddress.port;
  }

  /** "host:port" for clients. */
  get address(): string {
    return formatHostPort({ ...this.#options.rpcAddress, port: this.port });
  }

  async start(): Promise<void> {
    const server = this.#createServer();
    const listener = await this.#listen(server);
    this.#server = server;
    this.#listener = listener;
    this.#parts.security.onRotation((material) =>
      listener.setSecureContext(material)
    );
    this.#health.setAll("serving");
    this.#host.logger.info("serving", {
      rpc_addr: this.address,
      tls: this.#parts.security.tls !== undefined,
    });
  }

  async stop(): Promise<void> {
    this.#health.setAll("not_serving");
    await this.#listener?.close({ drainMs: DRAIN_MS });
    this.#forwarder.close();
    this.#server?.close();
  }

  #createServer(): GrpcServer {
    const backend = this.#backend();
    const { logger, clock, scheduler } = this.#host;
    return new GrpcServer({
      methods: new Map([
        ...logMethods(backend),
        ...adminMethods(backend),
        ...this.#health.methods(),
        ...reflectionMethods(SERVICES),
      ]),
      clock,
      scheduler,
      messageSizeMaxBytes: this.#options.messageBytesMax,
      statusOf,
      onHandlerError: (error, call) =>
        logger.error("a handler failed", { error, path: call.path }),
    });
  }

  #listen(server: GrpcServer): Promise<Listener> {
    const { scheduler, logger } = this.#host;
    return listen({
      ...this.#options.rpcAddress,
      tls: this.#parts.security.tls,
      identify: identityOf,
      protocols: this.#protocols(server),
      scheduler,
      onRefused: (refusal) =>
        logger.warn("refused a connection", { ...refusal }),
    });
  }

  #protocols(server: GrpcServer): ProtocolTable {
    const { clock, scheduler } = this.#host;
    const table = new Map([
      [PROTOCOL_GRPC, grpcHandler({ server, clock, scheduler })],
    ]);
    const { links } = this.#parts.cluster;
    if (links !== undefined) table.set(PROTOCOL_RAFT, links.handler);
    return table;
  }

  #backend(): ServiceBackend {
    const { log, cluster, gossip } = this.#parts;
    const clusterBackend = createClusterBackend({
      host: this.#host,
      replicas: log.replicas,
      members: () => gossip().members(),
      clusterId: () => cluster.clusterId,
      gossipKey: (request) => gossip().changeKey(request),
    });
    return {
      guard: this.#parts.security.guard,
      log: (name) => log.replicas.get(name),
      servers: () => this.#servers(),
      status: () => nodeStatus(this.#options, this.#host, log),
      cluster: clusterBackend,
      forwarder: this.#forwarder,
    };
  }

  /** Raft's members; gossip knows newer addresses. Learners serve reads too. */
  #servers(): ServerInfo[] {
    const status = this.#parts.log.default?.status();
    if (status === undefined) return [];
    return status.configuration.members.map((member) => ({
      id: member.name,
      rpcAddress: this.#addressOf(member.id) ?? member.address,
      isLeader: member.id === status.leaderId,
    }));
  }

  #addressOf(nodeId: string): string | undefined {
    const nodes = nodesOf(this.#parts.gossip().members());
    return nodes.find(({ id }) => id === nodeId)?.rpcAddress;
  }

  #leaderOf(log: string): LeaderPlace | undefined {
    const replica = this.#parts.log.replicas.get(log);
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

  /** To the leader, with the certificate of a peer. */
  #dialLeader(address: string): Promise<GrpcLink> {
    const { clock, scheduler } = this.#host;
    return dialGrpc({
      ...splitAddress(address),
      tls: this.#parts.security.peerTls,
      clock,
      scheduler,
      connectTimeoutMs: LEADER_CONNECT_TIMEOUT_MS,
    });
  }
}
