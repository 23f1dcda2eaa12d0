/**
 * Joins the gRPC server and the listener: the handler of ALPN protocol "h2".
 */
import type { Clock, Scheduler } from "../../core/env.ts";
import { OutputBudget } from "../transport/output_budget.ts";
import {
  type PumpLimits,
  SERVER_PUMP_LIMITS,
  SocketPump,
} from "../transport/socket_pump.ts";
import type { ConnectionHandler, PeerIdentity } from "../transport/types.ts";
import type { GrpcServer } from "./server.ts";
import type { Peer } from "./types.ts";

/** Held for peers that do not read, over all connections. */
const OUTPUT_MAX_BYTES = 256 * 1024 * 1024;

export interface ServeOptions {
  readonly server: GrpcServer;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits?: PumpLimits;
  readonly outputMaxBytes?: number;
}

export function grpcHandler(options: ServeOptions): ConnectionHandler {
  const budget = new OutputBudget(options.outputMaxBytes ?? OUTPUT_MAX_BYTES);
  return ({ socket, identity, address, firstBytes }) => {
    const peer = peerOf(identity, address);
    const pump = new SocketPump({
      socket,
      open: (wake) => options.server.accept(peer, wake),
      clock: options.clock,
      scheduler: options.scheduler,
      limits: options.limits ?? SERVER_PUMP_LIMITS,
      budget,
    });
    pump.receiveFirst(firstBytes);
    return pump;
  };
}

function peerOf(identity: PeerIdentity | undefined, address: string): Peer {
  return identity?.ok === true
    ? { subject: identity.subject, role: identity.role, address }
    : { subject: undefined, role: "client", address };
}
