/**
 * Opens a connection to a gRPC server: socket, HTTP/2 machine, client. It is
 * ready when the server's first SETTINGS have come, so that a server that does
 * not accept our certificate is an error here and not of the first call.
 */
import type { Socket } from "node:net";
import type { Clock, Scheduler } from "../../core/env.ts";
import { ProglogError } from "../../core/errors.ts";
import {
  createClientConnection,
  defaultHttp2Limits,
  type Http2Limits,
} from "../http2/mod.ts";
import {
  closedInHandshake,
  connect,
  type ConnectOptions,
  socketFailure,
} from "../transport/connector.ts";
import {
  CLIENT_PUMP_LIMITS,
  type PumpLimits,
  SocketPump,
} from "../transport/socket_pump.ts";
import { PROTOCOL_GRPC, type TlsMaterial } from "../transport/types.ts";
import { GrpcClient } from "./client.ts";
import { ClientConnection } from "./client_connection.ts";
import { DeadlineQueue } from "./deadlines.ts";
import { MESSAGE_SIZE_MAX_DEFAULT_BYTES } from "./framing.ts";

const CONNECT_TIMEOUT_DEFAULT_MS = 10_000;

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** Undefined: without TLS. */
  readonly tls: TlsMaterial | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** For everything until the server is ready; default 10 s. */
  readonly connectTimeoutMs?: number;
  /** A longer response message is refused; default 4 MiB. */
  readonly messageSizeMaxBytes?: number;
  readonly http2Limits?: Http2Limits;
  readonly pumpLimits?: PumpLimits;
  /** The connection is gone, with the reason in words. */
  readonly onClosed?: (reason: ProglogError) => void;
}

/** @throws ProglogError `unavailable` or `unauthenticated`, in words. */
export async function dialGrpc(options: DialOptions): Promise<GrpcLink> {
  const startedMs = options.clock.monotonicMs();
  const target = connectOptions(options);
  const socket = await connect(target);
  const usedMs = options.clock.monotonicMs() - startedMs;
  const link = new GrpcLink(options, socket);
  await link.ready(Math.max(0, target.connectTimeoutMs - usedMs));
  return link;
}

function connectOptions(options: DialOptions): ConnectOptions {
  return {
    host: options.host,
    port: options.port,
    tls: options.tls,
    protocol: PROTOCOL_GRPC,
    scheduler: options.scheduler,
    connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_DEFAULT_MS,
  };
}

/** A client and the connection under it. */
export class GrpcLink {
  readonly client: GrpcClient;
  readonly #options: DialOptions;
  readonly #deadlines: DeadlineQueue;
  readonly #pump: SocketPump;
  readonly #ready = Promise.withResolvers<void>();
  #socketError: Error | undefined;

  constructor(options: DialOptions, socket: Socket) {
    this.#options = options;
    this.#deadlines = new DeadlineQueue(options.clock, options.scheduler);
    socket.on("error", (error) => this.#socketError = error);
    const connection = this.#connection(options);
    connection.onState = (state) => {
      if (state === "ready") this.#ready.resolve();
    };
    this.client = new GrpcClient({
      connection,
      clock: options.clock,
      authority: `${options.host}:${options.port}`,
      scheme: options.tls === undefined ? "http" : "https",
    });
    this.#pump = new SocketPump({
      socket,
      open: () => connection,
      clock: options.clock,
      scheduler: options.scheduler,
      limits: options.pumpLimits ?? CLIENT_PUMP_LIMITS,
      onClosed: (reason) => this.#closed(reason),
    });
  }

  /** Waits for the server's SETTINGS; called by `dialGrpc`. */
  async ready(timeoutMs: number): Promise<void> {
    const cancel = this.#options.scheduler.after(
      timeoutMs,
      () => this.#pump.destroy(silent(this.#options)),
    );
    try {
      await this.#ready.promise;
    } finally {
      cancel();
    }
  }

  /** Takes no new calls; closes when the open ones have ended. */
  drain(): void {
    this.#pump.drain();
  }

  /** Closes now; open calls fail with UNAVAILABLE. */
  close(): void {
    this.#pump.destroy(
      new ProglogError("unavailable", "The client closed the connection"),
    );
  }

  #connection(options: DialOptions): ClientConnection {
    return new ClientConnection({
      machine: createClientConnection({
        limits: options.http2Limits ?? defaultHttp2Limits,
        nowMs: options.clock.monotonicMs(),
      }),
      deadlines: this.#deadlines,
      messageSizeMaxBytes: options.messageSizeMaxBytes ??
        MESSAGE_SIZE_MAX_DEFAULT_BYTES,
      wake: () => this.#pump.wake(),
    });
  }

  #closed(reason: ProglogError): void {
    this.#deadlines.close();
    this.#ready.reject(this.#whyNotReady(reason));
    this.#options.onClosed?.(reason);
  }

  /** A server that refuses our certificate just closes, or sends an alert. */
  #whyNotReady(reason: ProglogError): ProglogError {
    if (this.#socketError !== undefined) {
      return socketFailure(this.#options, this.#socketError);
    }
    return reason.details["silent"] === 1
      ? reason
      : closedInHandshake(this.#options);
  }
}

function silent({ host, port }: DialOptions): ProglogError {
  return new ProglogError(
    "unavailable",
    `Cannot connect to ${host}:${port}: the server does not answer in HTTP/2`,
    { details: { silent: 1 } },
  );
}
