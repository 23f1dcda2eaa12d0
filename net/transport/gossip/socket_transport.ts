/**
 * Gossip over real sockets: UDP and TCP on one address and port, by
 * `node:dgram` and `node:net` (Deno's own datagram API is still unstable). The
 * system's receive buffer stays as it is: Deno allocates as much for each packet.
 */
import type { Buffer } from "node:buffer";
import dgram from "node:dgram";
import net from "node:net";
import { ProglogError } from "../../../core/errors.ts";
import { type Endpoint, formatEndpoint } from "../../../core/swim/wire/ip.ts";
import type {
  GossipStream,
  GossipTransport,
  StreamHandler,
  TransportHandler,
} from "./types.ts";

/** Packets handed to the system and not yet taken by it; more are dropped. */
const PACKETS_IN_FLIGHT_MAX = 1024;
/** Streams of either side; a peer that never reads keeps its stream a while. */
const STREAMS_MAX = 256;
/** A stream on which nothing moves is over. */
const STREAM_IDLE_MS = 15_000;
/** How often a free port of TCP may turn out to be taken in UDP. */
const PORT_ATTEMPTS_MAX = 10;

/** Binds both; throws `unavailable` if the address cannot be had. */
export async function listenGossip(
  bind: Endpoint,
  handler: TransportHandler,
): Promise<GossipTransport> {
  for (let attempt = 1;; attempt++) {
    const server = net.createServer();
    const packets = dgram.createSocket({
      type: bind.host.includes(":") ? "udp6" : "udp4",
    });
    try {
      const port = await listenStreams(server, bind);
      await bindPackets(packets, { host: bind.host, port });
      const local = { host: bind.host, port };
      return new SocketTransport({ server, packets, local, handler });
    } catch (cause) {
      server.close();
      packets.close();
      if (bind.port === 0 && attempt < PORT_ATTEMPTS_MAX) continue;
      const where = formatEndpoint(bind);
      throw new ProglogError(
        "unavailable",
        `Cannot listen for gossip on ${where}`,
        { cause },
      );
    }
  }
}

class SocketTransport implements GossipTransport {
  readonly local: Endpoint;
  readonly #server: net.Server;
  readonly #packets: dgram.Socket;
  readonly #handler: TransportHandler;
  readonly #streams = new Set<net.Socket>();
  #packetsInFlight = 0;
  #isClosed = false;

  constructor(parts: {
    server: net.Server;
    packets: dgram.Socket;
    local: Endpoint;
    handler: TransportHandler;
  }) {
    this.local = parts.local;
    this.#server = parts.server;
    this.#packets = parts.packets;
    this.#handler = parts.handler;
    this.#packets.on("message", (bytes, from) => {
      if (this.#isClosed) return;
      const source = { host: from.address, port: from.port };
      this.#handler.packet(source, plainBytes(bytes));
    });
    // A refused packet (ICMP) is an error of the peer and nothing to us.
    this.#packets.on("error", ignoreLoss);
    this.#server.on("error", ignoreLoss);
    this.#server.on("connection", (socket) => this.#accept(socket));
  }

  send(to: Endpoint, packet: Uint8Array): void {
    if (this.#isClosed || this.#packetsInFlight >= PACKETS_IN_FLIGHT_MAX) {
      return;
    }
    this.#packetsInFlight++;
    this.#packets.send(packet, to.port, to.host, () => {
      this.#packetsInFlight--;
    });
  }

  open(to: Endpoint, handler: StreamHandler): GossipStream {
    const socket = net.connect({ host: to.host, port: to.port });
    return this.#attach(socket, handler);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const socket of this.#streams) socket.destroy();
    await Promise.all([
      new Promise<void>((resolve) => this.#server.close(() => resolve())),
      new Promise<void>((resolve) => this.#packets.close(() => resolve())),
    ]);
  }

  #accept(socket: net.Socket): void {
    if (this.#streams.size >= STREAMS_MAX) {
      socket.destroy();
      return;
    }
    const from = {
      host: socket.remoteAddress ?? "",
      port: socket.remotePort ?? 0,
    };
    // The handler is made with the stream, and the stream with the handler.
    const peer: { handler?: StreamHandler | undefined } = {};
    const stream = this.#attach(socket, {
      data: (bytes) => peer.handler?.data(bytes),
      closed: (reason) => peer.handler?.closed(reason),
    });
    peer.handler = this.#handler.stream(from, stream);
    if (peer.handler === undefined) socket.destroy();
  }

  #attach(socket: net.Socket, handler: StreamHandler): GossipStream {
    this.#streams.add(socket);
    socket.setTimeout(STREAM_IDLE_MS, () => socket.destroy());
    let isOver = false;
    const over = (reason: string) => {
      if (isOver) return;
      isOver = true;
      if (!this.#isClosed) handler.closed(reason);
    };
    socket.on("data", (bytes: Buffer) => {
      if (!isOver && !this.#isClosed) handler.data(plainBytes(bytes));
    });
    socket.on("error", (error) => over(error.message));
    socket.on("end", () => over("closed"));
    socket.on("close", () => {
      this.#streams.delete(socket);
      over("closed");
    });
    return {
      write: (bytes) => {
        socket.write(bytes);
      },
      end: () => {
        isOver = true;
        // Bytes that still come would keep the socket open: they are read away.
        socket.resume();
        socket.end(() => socket.destroySoon());
      },
    };
  }
}

function listenStreams(server: net.Server, bind: Endpoint): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: bind.host, port: bind.port }, () => {
      server.off("error", reject);
      const address = server.address();
      if (address === null || typeof address === "string") {
        reject(new Error("Listening socket has no port"));
      } else resolve(address.port);
    });
  });
}

function bindPackets(socket: dgram.Socket, bind: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(bind.port, bind.host, () => {
      socket.off("error", reject);
      resolve();
    });
  });
}

/** A `Buffer` copies nothing on `slice`; the core counts on copies. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Lost packets and failed connections are what gossip is made for: the probe
 * finds out about them, so an error event has nothing to add.
 */
function ignoreLoss(_error: unknown): void {}
