/**
 * The links between this node and its peers. Each node dials every peer, once a
 * lane, and only sends on what it dialled; what it receives comes on connections
 * that the others dialled. So no two ends have to agree on one connection, a
 * certificate is checked in both directions, and bulk never delays control.
 *
 * Invariants:
 * 1. `send` never waits: what does not fit, or has no way to go, is dropped.
 * 2. Messages of one lane arrive in order or not at all; lanes may overtake.
 * 3. `onMessage` names the node that said hello on the connection; TLS has
 *    proved that it is a node of ours, its messages must name the same one.
 * 4. "up" and "down" alternate for each peer: up when both lanes are open, down
 *    as soon as one breaks, and then what was on its way may be lost.
 */
import type { Socket } from "node:net";
import type { Clock, Random, Scheduler } from "../../../core/env.ts";
import { connect } from "../connector.ts";
import { splitAddress } from "../address.ts";
import { FIRST_BYTE_RAFT } from "../plain_server.ts";
import {
  type ConnectionHandler,
  PROTOCOL_RAFT,
  type TlsMaterial,
} from "../types.ts";
import type { Self } from "./hello.ts";
import { IncomingLinks } from "./incoming_links.ts";
import type { LaneEnvironment } from "./lane_link.ts";
import { type Lane, LINK_LIMITS, type LinkLimits } from "./limits.ts";
import { PeerLink, type PeerLinkStatus } from "./peer_link.ts";
import type { SendOutcome } from "./send_queue.ts";

export interface PeerLinksOptions {
  readonly self: Self;
  /** The certificate of a peer, now; undefined: without TLS, on loopback only. */
  readonly tls: () => TlsMaterial | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Bytes as one peer gave them to `send`. Throw `corrupt` to end the connection. */
  readonly onMessage: (from: string, bytes: Uint8Array) => void;
  readonly onLinkState: (id: string, state: "up" | "down") => void;
  /** Worth a log line: a link broke for a new reason, a connection was refused. */
  readonly onNotice: (notice: LinkNotice) => void;
  readonly limits?: LinkLimits;
  /** In place of sockets, for tests. */
  readonly dial?: (address: string) => Promise<Socket>;
}

export interface LinkNotice {
  readonly level: "info" | "warn";
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

export class PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #env: LaneEnvironment;
  readonly #links = new Map<string, PeerLink>();
  readonly #incoming: IncomingLinks;

  constructor(options: PeerLinksOptions) {
    this.#options = options;
    const { self, clock, scheduler, random } = options;
    const limits = options.limits ?? LINK_LIMITS;
    const isPlain = options.tls() === undefined;
    this.#env = {
      self,
      dial: options.dial ?? ((address) => this.#dial(address)),
      preamble: isPlain ? Uint8Array.of(FIRST_BYTE_RAFT) : new Uint8Array(0),
      clock,
      scheduler,
      random,
      limits,
    };
    this.#incoming = new IncomingLinks({
      ...options,
      limits,
      identity: isPlain ? "none" : "peer_certificate",
      onHello: (from) => this.#links.get(from)?.retryNow(),
    });
  }

  /** For the listener, under PROTOCOL_RAFT. */
  get handler(): ConnectionHandler {
    return this.#incoming.accept;
  }

  /** Exactly these are linked from now on, this node excepted. */
  setPeers(peers: ReadonlyMap<string, string>): void {
    for (const [id, link] of this.#links) {
      if (peers.has(id)) continue;
      this.#links.delete(id);
      link.stop();
    }
    for (const [id, address] of peers) {
      if (id === this.#env.self.id) continue;
      const link = this.#links.get(id);
      if (link === undefined) this.#links.set(id, this.#open(id, address));
      else link.readdress(address);
    }
  }

  /** `pieces` are one message; they are not copied and must not change. */
  send(to: string, pieces: readonly Uint8Array[], lane: Lane): SendOutcome {
    return this.#links.get(to)?.send(pieces, lane) ?? "dropped";
  }

  /** Gossip, say, has seen that the peer is back: do not wait any longer. */
  retryNow(id: string): void {
    this.#links.get(id)?.retryNow();
  }

  status(): PeerLinkStatus[] {
    return [...this.#links.values()].map((link) => link.status);
  }

  /** Closes all connections, those of others too. */
  stop(): void {
    this.setPeers(new Map());
    this.#incoming.close();
  }

  #open(id: string, address: string): PeerLink {
    const { onLinkState, onNotice } = this.#options;
    return new PeerLink(this.#env, { id, address, onLinkState, onNotice });
  }

  async #dial(address: string): Promise<Socket> {
    const { limits, scheduler } = this.#env;
    return await connect({
      ...splitAddress(address),
      tls: this.#options.tls(),
      protocol: PROTOCOL_RAFT,
      scheduler,
      connectTimeoutMs: limits.connectTimeoutMs,
    });
  }
}
