/**
 * The port for clients of a simulated node: the service, the handlers and the
 * gRPC machines of `net/agent/rpc_part.ts`, over simulated TCP instead of sockets.
 */
import { ProglogError } from "../../../core/errors.ts";
import type { ClusterPart } from "../../../net/agent/cluster_part.ts";
import type { GossipPart } from "../../../net/agent/gossip_part.ts";
import { openGuard } from "../../../net/agent/guard.ts";
import type { Host } from "../../../net/agent/host.ts";
import type { LogPart } from "../../../net/agent/log_part.ts";
import {
  LEADER_CONNECT_TIMEOUT_MS,
  NodeService,
} from "../../../net/agent/node_service.ts";
import type { Part } from "../../../net/agent/parts.ts";
import { GrpcLink } from "../../../net/grpc/dial.ts";
import { grpcHandler } from "../../../net/grpc/serve.ts";
import { GrpcServer } from "../../../net/grpc/server.ts";
import { adminMethods } from "../../../net/rpc/admin.ts";
import { logMethods } from "../../../net/rpc/service.ts";
import { statusOf } from "../../../net/rpc/status.ts";
import type { PumpLimits } from "../../../net/transport/socket_pump.ts";
import type {
  PeerIdentity,
  ServedConnection,
} from "../../../net/transport/types.ts";
import { fail } from "../checker.ts";
import type { Tcp } from "./tcp.ts";
import type { Life } from "./wire.ts";

const DRAIN_MS = 3_000;
const NO_BYTES = new Uint8Array(0);

export interface SimRpcOptions {
  readonly host: Host;
  readonly life: Life;
  readonly tcp: Tcp;
  readonly log: LogPart;
  readonly cluster: () => ClusterPart;
  readonly gossip: () => GossipPart;
}

export class SimRpc implements Part {
  readonly name = "rpc";
  readonly #part: SimRpcOptions;
  readonly #service: NodeService;
  readonly #served = new Set<ServedConnection>();
  #server: GrpcServer | undefined;
  #close: () => void = () => undefined;

  constructor(part: SimRpcOptions) {
    this.#part = part;
    this.#service = new NodeService({
      ...part,
      dialLeader: (address) =>
        dialOver(part.tcp, {
          host: part.host,
          life: part.life,
          address,
          identity: { ok: true, subject: "peer", role: "peer" },
          connectTimeoutMs: LEADER_CONNECT_TIMEOUT_MS,
        }),
    });
  }

  leaderChanged(): void {
    this.#service.leaderChanged();
  }

  start(): Promise<void> {
    const { host, tcp, life } = this.#part;
    const backend = this.#service.backend({
      guard: openGuard(),
      status: () => fail("Nobody asks for the status of a process"),
    });
    const server = new GrpcServer({
      methods: new Map([...logMethods(backend), ...adminMethods(backend)]),
      clock: host.clock,
      scheduler: host.scheduler,
      statusOf,
      onHandlerError: (error) => host.fail(error),
    });
    const handler = grpcHandler({ server, ...host });
    this.#server = server;
    this.#close = tcp.listen(life, (socket, peer) => {
      const connection = handler({
        socket: socket.asSocket,
        firstBytes: NO_BYTES,
        ...peer,
      });
      this.#served.add(connection);
      socket.once("close", () => this.#served.delete(connection));
    });
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#close();
    for (const connection of this.#served) connection.drain();
    const { scheduler } = this.#part.host;
    if (this.#served.size > 0) {
      await new Promise<void>((resolve) => scheduler.after(DRAIN_MS, resolve));
    }
    const reason = new ProglogError("unavailable", "The node stops");
    for (const connection of this.#served) connection.destroy(reason);
    this.#service.close();
    this.#server?.close();
  }
}

/** As `dialGrpc` does it, but for the socket. */
export async function dialOver(
  tcp: Tcp,
  dial: {
    readonly host: Pick<Host, "clock" | "scheduler">;
    readonly life: Life;
    /** "host:port" */
    readonly address: string;
    readonly identity: PeerIdentity;
    readonly connectTimeoutMs: number;
    readonly pumpLimits?: PumpLimits;
  },
): Promise<GrpcLink> {
  const { life, identity, connectTimeoutMs, pumpLimits } = dial;
  const { clock, scheduler } = dial.host;
  const [host = "", port] = dial.address.split(":");
  const startedMs = clock.monotonicMs();
  const socket = await tcp.dial({
    life,
    address: host,
    identity,
    timeoutMs: connectTimeoutMs,
  });
  const usedMs = clock.monotonicMs() - startedMs;
  const link = new GrpcLink({
    host,
    port: Number(port),
    tls: undefined,
    clock,
    scheduler,
    ...(pumpLimits !== undefined && { pumpLimits }),
  }, socket.asSocket);
  await link.ready(Math.max(0, connectTimeoutMs - usedMs));
  return link;
}
