/**
 * The port for clients: TLS listener, gRPC server, and the services on it.
 */
import { identityOf } from "../auth/subject.ts";
import { grpcHandler } from "../grpc/serve.ts";
import { GrpcServer } from "../grpc/server.ts";
import { adminMethods } from "../rpc/admin.ts";
import { HealthService } from "../rpc/health.ts";
import { reflectionMethods } from "../rpc/reflection.ts";
import type { ServiceBackend } from "../rpc/backend.ts";
import { logMethods } from "../rpc/service.ts";
import { statusOf } from "../rpc/status.ts";
import { listen, type Listener } from "../transport/listener.ts";
import { PROTOCOL_GRPC } from "../transport/types.ts";
import { type AgentOptions, formatHostPort } from "./config.ts";
import type { Host } from "./host.ts";
import type { LogPart } from "./log_part.ts";
import type { Part } from "./parts.ts";
import type { SecurityPart } from "./security_part.ts";
import { nodeStatus } from "./status.ts";

const SERVICES = ["log.v1.Log", "proglog.v1.Admin", "grpc.health.v1.Health"];
/** How long open calls may go on after a stop was asked for. */
const DRAIN_MS = 3_000;

export class RpcPart implements Part {
  readonly name = "rpc";
  readonly #options: AgentOptions;
  readonly #host: Host;
  readonly #security: SecurityPart;
  readonly #log: LogPart;
  readonly #health = new HealthService(SERVICES, "not_serving");
  #server: GrpcServer | undefined;
  #listener: Listener | undefined;

  constructor(
    options: AgentOptions,
    host: Host,
    parts: { security: SecurityPart; log: LogPart },
  ) {
    this.#options = options;
    this.#host = host;
    this.#security = parts.security;
    this.#log = parts.log;
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
    this.#security.onRotation((material) =>
      listener.setSecureContext(material)
    );
    this.#health.setAll("serving");
    this.#host.logger.info("serving", {
      rpc_addr: this.address,
      tls: this.#security.tls !== undefined,
    });
  }

  async stop(): Promise<void> {
    this.#health.setAll("not_serving");
    await this.#listener?.close({ drainMs: DRAIN_MS });
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
    const { clock, scheduler, logger } = this.#host;
    return listen({
      ...this.#options.rpcAddress,
      tls: this.#security.tls,
      identify: identityOf,
      protocols: new Map([
        [PROTOCOL_GRPC, grpcHandler({ server, clock, scheduler })],
      ]),
      scheduler,
      onRefused: (refusal) =>
        logger.warn("refused a connection", { ...refusal }),
    });
  }

  #backend(): ServiceBackend {
    return {
      guard: this.#security.guard,
      log: (name) => this.#log.logs.get(name),
      servers: () => [{
        id: this.#options.nodeName,
        rpcAddress: this.address,
        isLeader: true,
      }],
      status: () => nodeStatus(this.#options, this.#host, this.#log),
    };
  }
}
