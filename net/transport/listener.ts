/**
 * One port for all protocols: told apart by ALPN inside TLS, by their first
 * byte without it. Accepts, bounds and times out; the protocol's handler owns
 * the connection from then on.
 */
import type { AddressInfo, Server, Socket } from "node:net";
import type { Scheduler } from "../../core/env.ts";
import { ProglogError } from "../../core/errors.ts";
import { createPlainServer } from "./plain_server.ts";
import { createTlsServer, type TlsPort } from "./tls_server.ts";
import type {
  AcceptedConnection,
  PeerIdentity,
  ProtocolTable,
  ServedConnection,
  TlsMaterial,
} from "./types.ts";

export interface ListenerLimits {
  /** Further connections are closed at once. */
  readonly connectionsMax: number;
  readonly handshakeTimeoutMs: number;
  /** From the end of the handshake to the first byte of the protocol. */
  readonly firstByteTimeoutMs: number;
}

export const LISTENER_LIMITS: ListenerLimits = {
  connectionsMax: 10_000,
  handshakeTimeoutMs: 10_000,
  firstByteTimeoutMs: 10_000,
};

export interface ListenerOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Undefined: without TLS. */
  readonly tls: TlsMaterial | undefined;
  /** Reads the verified certificate of a client; needed with TLS. */
  readonly identify?: (certificate: { raw?: Uint8Array }) => PeerIdentity;
  readonly protocols: ProtocolTable;
  readonly scheduler: Scheduler;
  readonly limits?: ListenerLimits;
  /** A connection that came to nothing, with the reason in words. */
  readonly onRefused?: (refusal: Refusal) => void;
}

export interface Refusal {
  /** "127.0.0.1:50412" */
  readonly address: string;
  readonly reason: string;
}

/** Opens the port. @throws ProglogError `unavailable` when it cannot be had. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const listener = new Listener(options);
  await listener.open();
  return listener;
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #limits: ListenerLimits;
  readonly #server: Server;
  readonly #tls: TlsPort | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #served = new Map<Socket, ServedConnection>();
  #isClosing = false;
  #onEmpty: () => void = () => undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#limits = options.limits ?? LISTENER_LIMITS;
    const port = {
      protocols: options.protocols,
      limits: this.#limits,
      scheduler: options.scheduler,
      identify: options.identify ?? unknownIdentity,
      onAccepted: (protocol: string, connection: AcceptedConnection) =>
        this.#accept(protocol, connection),
      onRefused: options.onRefused ?? (() => undefined),
    };
    this.#tls = options.tls === undefined
      ? undefined
      : createTlsServer(port, options.tls);
    this.#server = this.#tls?.server ?? createPlainServer(port);
    this.#server.prependListener("connection", (socket) => this.#count(socket));
  }

  /** Called by `listen`. */
  async open(): Promise<void> {
    const opened = Promise.withResolvers<void>();
    this.#server.once(
      "error",
      (error) => opened.reject(this.#cannotOpen(error)),
    );
    this.#server.listen(
      { host: this.#options.host, port: this.#options.port, backlog: 1024 },
      () => opened.resolve(),
    );
    await opened.promise;
    this.#server.on(
      "error",
      (error) => this.#refuse("the listener", error.message),
    );
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  /** Certificates for the connections from now on. */
  setSecureContext(material: TlsMaterial): void {
    this.#tls?.setSecureContext(material);
  }

  /** Stops accepting, lets open calls end for `drainMs`, then destroys the rest. */
  async close({ drainMs }: { drainMs: number }): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const closed = new Promise<void>((resolve) =>
      this.#server.close(() => resolve())
    );
    for (const served of [...this.#served.values()]) served.drain();
    for (const socket of this.#sockets) {
      if (!this.#served.has(socket)) socket.destroy();
    }
    await this.#waitUntilEmpty(drainMs);
    for (const served of [...this.#served.values()]) served.destroy(stopping());
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #waitUntilEmpty(drainMs: number): Promise<void> {
    if (this.#served.size === 0) return;
    const empty = Promise.withResolvers<void>();
    this.#onEmpty = empty.resolve;
    const cancel = this.#options.scheduler.after(drainMs, empty.resolve);
    await empty.promise;
    cancel();
  }

  #count(socket: Socket): void {
    if (this.#isClosing || this.#sockets.size >= this.#limits.connectionsMax) {
      this.#refuse(
        addressOf(socket),
        `${this.#limits.connectionsMax} connections are open, which is the limit`,
      );
      socket.on("error", () => undefined);
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #accept(protocol: string, connection: AcceptedConnection): void {
    const handler = this.#options.protocols.get(protocol);
    if (handler === undefined || this.#isClosing) {
      this.#refuse(connection.address, `Unknown protocol "${protocol}"`);
      connection.socket.destroy();
      return;
    }
    const { socket } = connection;
    this.#served.set(socket, handler(connection));
    socket.once("close", () => {
      this.#served.delete(socket);
      if (this.#served.size === 0) this.#onEmpty();
    });
  }

  #refuse(address: string, reason: string): void {
    this.#options.onRefused?.({ address, reason });
  }

  #cannotOpen(cause: Error): ProglogError {
    const { host, port } = this.#options;
    const inUse = "code" in cause && cause.code === "EADDRINUSE";
    return new ProglogError(
      "unavailable",
      `Cannot listen on ${host}:${port}: ${
        inUse ? "another process uses the port" : cause.message
      }`,
      { cause },
    );
  }
}

/** "127.0.0.1:50412"; IPv6 in brackets. */
export function addressOf(socket: Socket | undefined): string {
  const host = socket?.remoteAddress;
  if (host === undefined) return "unknown address";
  return host.includes(":")
    ? `[${host}]:${socket?.remotePort}`
    : `${host}:${socket?.remotePort}`;
}

function unknownIdentity(): PeerIdentity {
  return { ok: false, message: "This listener reads no certificates" };
}

function stopping(): ProglogError {
  return new ProglogError("unavailable", "The server stops");
}
