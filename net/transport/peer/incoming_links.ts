/**
 * Connections that peers have dialled. Only a peer certificate may speak here: a
 * client's is refused with a log line. The newest connection of a node and lane
 * counts, as a node that restarted may have left an old one behind.
 */
import type { Clock, Scheduler } from "../../../core/env.ts";
import { ProglogError } from "../../../core/errors.ts";
import { SocketPump } from "../socket_pump.ts";
import type {
  AcceptedConnection,
  PeerIdentity,
  ServedConnection,
} from "../types.ts";
import type { Hello, Self } from "./hello.ts";
import { IncomingWire } from "./incoming_wire.ts";
import { INCOMING_CONNECTIONS_MAX, type LinkLimits } from "./limits.ts";
import type { LinkNotice } from "./peer_links.ts";

export interface IncomingLinksOptions {
  readonly self: Self;
  /** "none": without TLS everybody on this machine may be a peer. */
  readonly identity: "peer_certificate" | "none";
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: LinkLimits;
  readonly onMessage: (from: string, bytes: Uint8Array) => void;
  readonly onHello: (from: string) => void;
  readonly onNotice: (notice: LinkNotice) => void;
}

const REFUSED: ServedConnection = {
  drain: () => undefined,
  destroy: () => undefined,
};

export class IncomingLinks {
  readonly #options: IncomingLinksOptions;
  readonly #pumps = new Set<SocketPump>();
  /** By node and lane, once they have said hello. */
  readonly #introduced = new Map<string, SocketPump>();

  constructor(options: IncomingLinksOptions) {
    this.#options = options;
  }

  readonly accept = (connection: AcceptedConnection): ServedConnection => {
    const refusal = this.#refusal(connection.identity);
    if (refusal !== undefined) return this.#refuse(connection, refusal);
    const introduced: { as?: string } = {};
    const { clock, scheduler, limits } = this.#options;
    const pump = new SocketPump({
      socket: connection.socket,
      open: () =>
        this.#wire(connection, (hello) => {
          introduced.as = `${hello.lane} ${hello.from}`;
          this.#introduce(introduced.as, pump);
          this.#options.onHello(hello.from);
        }),
      clock,
      scheduler,
      limits: limits.pump.bulk,
      onClosed: () => {
        this.#pumps.delete(pump);
        const key = introduced.as ?? "";
        if (this.#introduced.get(key) === pump) this.#introduced.delete(key);
      },
    });
    this.#pumps.add(pump);
    pump.receiveFirst(connection.firstBytes);
    return pump;
  };

  close(): void {
    for (const pump of [...this.#pumps]) {
      pump.destroy(new ProglogError("unavailable", "The node stops"));
    }
  }

  #refusal(identity: PeerIdentity | undefined): string | undefined {
    if (this.#pumps.size >= INCOMING_CONNECTIONS_MAX) {
      return `${INCOMING_CONNECTIONS_MAX} connections of peers are open, which is the limit`;
    }
    if (this.#options.identity === "none") return undefined;
    if (identity?.ok === true && identity.role === "peer") return undefined;
    const who = identity?.ok === true
      ? `the certificate of "${identity.subject}"`
      : "the certificate";
    return `${who} is not that of a peer, and only peers may speak this protocol`;
  }

  #refuse(
    { socket, address }: AcceptedConnection,
    reason: string,
  ): ServedConnection {
    this.#notice(address, reason);
    socket.on("error", () => undefined);
    socket.destroy();
    return REFUSED;
  }

  #wire(
    { address }: AcceptedConnection,
    onHello: (hello: Hello) => void,
  ): IncomingWire {
    const { self, onMessage } = this.#options;
    const onRefused = (reason: string) => this.#notice(address, reason);
    return new IncomingWire({ self, onHello, onMessage, onRefused });
  }

  #introduce(key: string, pump: SocketPump): void {
    this.#introduced.get(key)?.destroy(
      new ProglogError("unavailable", "The peer has dialled again"),
    );
    this.#introduced.set(key, pump);
  }

  #notice(address: string, reason: string): void {
    this.#options.onNotice({
      level: "warn",
      message: "refused a peer connection",
      fields: { address, reason },
    });
  }
}
