/**
 * The port for clients: TLS listener, gRPC server, and the services on it.
 */
import { identityOf } from "../auth/subject.ts";
import { dialGrpc, type GrpcLink } from "../grpc/dial.ts";
import { grpcHandler } from "../grpc/serve.ts";
import { GrpcServer } from "../grpc/server.ts";
import { adminMethods } from "../rpc/admin.ts";
import { HealthService } from "../rpc/health.ts";
import { reflectionMethods } from "../rpc/reflection.ts";
import { logMethods } from "../rpc/service.ts";
import { statusOf } from "../rpc/status.ts";
import { listen, type Listener } from "../transport/listener.ts";
import { splitAddress } from "../transport/address.ts";
import {
  PROTOCOL_GRPC,
  PROTOCOL_RAFT,
  type ProtocolTable,
} from "../transport/types.ts";
import type { ClusterPart } from "./cluster_part.ts";
import type { GossipPart } from "./gossip_part.ts";
import { type AgentOptions, formatHostPort } from "./config.ts";
import type { Host } from "./host.ts";
import type { LogPart } from "./log_part.ts";
import { LEADER_CONNECT_TIMEOUT_MS, NodeService } from "./node_service.ts";
import type { Part } from "./parts.ts";
import type { SecurityPart } from "./security_part.ts";
import { nodeStatus } from "./status.ts";

const SERVICES = ["log.v1.Log", "proglog.v1.Admin", "grpc.health.v1.Health"];
/** How long open calls may go on after a stop was asked for. */
const DRAIN_MS = 3_000;

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
  readonly #service: NodeService;
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
    this.#service = new NodeService({
      host,
      log: parts.log,
      cluster: () => parts.cluster,
      gossip: parts.gossip,
      dialLeader: (address) => this.#dialLeader(address),
    });
  }

  /** A log has another leader, or none. */
  leaderChanged(): void {
    this.#service.leaderChanged();
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
    this.#service.close();
    this.#server?.close();
  }

  #createServer(): GrpcServer {
    const { security, log } = this.#parts;
    const backend = this.#service.backend({
      guard: security.guard,
      status: () => nodeStatus(this.#options, this.#host, log),
    });
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
