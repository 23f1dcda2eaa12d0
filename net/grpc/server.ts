/**
 * The gRPC server without sockets: holds the methods and the connections.
 * `serve.ts` gives it connections of the TLS listener.
 */
import type { Clock, Scheduler } from "../../core/env.ts";
import {
  createServerConnection,
  defaultHttp2Limits,
  type Http2Limits,
} from "../http2/mod.ts";
import type { Compression } from "./compression.ts";
import { DeadlineQueue } from "./deadlines.ts";
import { MESSAGE_SIZE_MAX_DEFAULT_BYTES } from "./framing.ts";
import { ServerConnection } from "./server_connection.ts";
import {
  type ServerHooks,
  type ServerSettings,
  serverSettings,
} from "./server_settings.ts";
import type { Methods, Peer } from "./types.ts";

/**
 * A server holds less for each slow reader than a client for its one server:
 * what is queued here is also what one write to the socket may take.
 */
const SERVER_HTTP2_LIMITS: Http2Limits = {
  ...defaultHttp2Limits,
  streamQueueHighBytes: 256 * 1024,
  streamQueueLowBytes: 64 * 1024,
};

export interface GrpcServerOptions extends ServerHooks {
  readonly methods: Methods;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** A longer request message is refused; default 4 MiB. */
  readonly messageSizeMaxBytes?: number;
  /** Used where the client accepts it; default "identity". */
  readonly responseCompression?: Compression;
  readonly http2Limits?: Http2Limits;
}

export class GrpcServer {
  readonly #clock: Clock;
  readonly #settings: ServerSettings;
  readonly #deadlines: DeadlineQueue;
  readonly #http2Limits: Http2Limits;
  readonly #connections = new Set<ServerConnection>();

  constructor(options: GrpcServerOptions) {
    this.#clock = options.clock;
    this.#deadlines = new DeadlineQueue(options.clock, options.scheduler);
    this.#http2Limits = options.http2Limits ?? SERVER_HTTP2_LIMITS;
    this.#settings = serverSettings({
      ...options,
      deadlines: this.#deadlines,
      messageSizeMaxBytes: options.messageSizeMaxBytes ??
        MESSAGE_SIZE_MAX_DEFAULT_BYTES,
      responseCompression: options.responseCompression ?? "identity",
    });
  }

  /** A new connection; `wake` is called whenever output waits in it. */
  accept(peer: Peer, wake: () => void): ServerConnection {
    const connection = new ServerConnection({
      machine: createServerConnection({
        limits: this.#http2Limits,
        nowMs: this.#clock.monotonicMs(),
      }),
      settings: this.#settings,
      peer,
      wake,
      onClosed: (closed) => this.#connections.delete(closed),
    });
    this.#connections.add(connection);
    return connection;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Calls that have not ended. */
  get callCount(): number {
    let count = 0;
    for (const connection of this.#connections) count += connection.callCount;
    return count;
  }

  /** Stops the deadline timer; call it when the last connection is closed. */
  close(): void {
    this.#deadlines.close();
  }
}
