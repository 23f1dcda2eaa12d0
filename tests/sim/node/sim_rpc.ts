/**
 * The port for clients of a simulated node: the handlers, the forwarder and the
 * gRPC machines of `net/agent/rpc_part.ts`, wired as it wires them, over
 * simulated TCP instead of sockets.
 */
import { nodesOf } from "../../../core/cluster/node_view.ts";
import { ProglogError } from "../../../core/errors.ts";
import type { MemberView } from "../../../core/swim/serf/events.ts";
import { createClusterBackend } from "../../../net/agent/cluster/cluster_backend.ts";
import type { ClusterPart } from "../../../net/agent/cluster_part.ts";
import type { GossipPart } from "../../../net/agent/gossip_part.ts";
import { openGuard } from "../../../net/agent/guard.ts";
import type { Host } from "../../../net/agent/host.ts";
import type { LogPart } from "../../../net/agent/log_part.ts";
import type { Part } from "../../../net/agent/parts.ts";
import { GrpcLink } from "../../../net/grpc/dial.ts";
import { grpcHandler } from "../../../net/grpc/serve.ts";
import { GrpcServer } from "../../../net/grpc/server.ts";
import { adminMethods } from "../../../net/rpc/admin.ts";
import type { ServerInfo, ServiceBackend } from "../../../net/rpc/backend.ts";
import { Forwarder, type LeaderPlace } from "../../../net/rpc/forward.ts";
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
const LEADER_CONNECT_TIMEOUT_MS = 2_000;
const NO_BYTES = new Uint8Array(0);

export interface SimRpcOptions {
  readonly host: Host;
  readonly life: Life;
  readonly tcp: Tcp;
  readonly log: LogPart;
  readonly cluster: () => ClusterPart;
  readonly gossip: () => GossipPart;
  /** Whom gossip knows; nobody once it has stopped. */
  readonly members: () => MemberView[];
}

export class SimRpc implements Part {
  readonly name = "rpc";
  readonly #part: SimRpcOptions;
  readonly #forwarder: Forwarder;
  readonly #served = new Set<ServedConnection>();
  #server: GrpcServer | undefined;
  #close: () => void = () => undefined;

  constructor(part: SimRpcOptions) {
    this.#part = part;
    this.#forwarder = new Forwarder({
      ...part.host,
      leader: (log) => this.#leaderOf(log),
      dial: (address) =>
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
    this.#forwarder.leaderChanged([...this.#part.log.replicas.keys()]);
  }

  start(): Promise<void> {
    const { host, tcp, life } = this.#part;
    const backend = this.#backend();
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
    this.#forwarder.close();
    this.#server?.close();
  }

  #backend(): ServiceBackend {
    const { host, log, cluster, gossip, members } = this.#part;
    return {
      guard: openGuard(),
      log: (name) => log.replicas.get(name),
      servers: () => this.#servers(),
      status: () => fail("Nobody asks for the status of a process"),
      cluster: createClusterBackend({
        host,
        replicas: log.replicas,
        members,
        clusterId: () => cluster().clusterId,
        gossipKey: (request) => gossip().changeKey(request),
      }),
      forwarder: this.#forwarder,
    };
  }

  #servers(): ServerInfo[] {
    const status = this.#part.log.default?.status();
    if (status === undefined) return [];
    return status.configuration.members.map((member) => ({
      id: member.name,
      rpcAddress: this.#addressOf(member.id) ?? member.address,
      isLeader: member.id === status.leaderId,
    }));
  }

  #addressOf(nodeId: string): string | undefined {
    const nodes = nodesOf(this.#part.members());
    return nodes.find(({ id }) => id === nodeId)?.rpcAddress;
  }

  #leaderOf(log: string): LeaderPlace | undefined {
    const replica = this.#part.log.replicas.get(log);
    const leaderId = replica?.leaderId;
    if (replica === undefined) return undefined;
    if (leaderId === undefined) {
      return replica.facts.appendBlocked === "" ? undefined : { kind: "here" };
    }
    if (leaderId === replica.nodeId) return { kind: "here" };
    const { members } = replica.status().configuration;
    const address = this.#addressOf(leaderId) ??
      members.find(({ id }) => id === leaderId)?.address;
    return address === undefined ? undefined : { kind: "there", address };
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
