/**
 * What the gossip loop needs of a network: packets that may be lost, streams
 * that may fail, names that become addresses. `socket_transport.ts` and
 * `dns_resolver.ts` are the real ones; the simulator has its own.
 */
import type { Endpoint } from "../../../core/swim/wire/ip.ts";

/** Packets and streams on one bound address. */
export interface GossipTransport {
  /** Where it is bound; the port is never 0. */
  readonly local: Endpoint;
  /** Best effort: it never throws, and tells no one what was lost. */
  send(to: Endpoint, packet: Uint8Array): void;
  /** Connects in the background; writes before that are kept. */
  open(to: Endpoint, handler: StreamHandler): GossipStream;
  /** Closes sockets and streams; no handler is called any more. */
  close(): Promise<void>;
}

export interface GossipStream {
  write(bytes: Uint8Array): void;
  /** Sends what was written, then closes. */
  end(): void;
}

/** Hears of one stream; `closed` comes once, and nothing after it. */
export interface StreamHandler {
  data(bytes: Uint8Array): void;
  /** "closed" if the peer ended it in order, else what went wrong. */
  closed(reason: string): void;
}

/** Hears what comes from outside. */
export interface TransportHandler {
  packet(from: Endpoint, bytes: Uint8Array): void;
  /** Undefined: the stream is refused. */
  stream(from: Endpoint, stream: GossipStream): StreamHandler | undefined;
}

/** Binds packets and streams to one address; port 0 takes any that is free. */
export type ListenGossip = (
  bind: Endpoint,
  handler: TransportHandler,
) => Promise<GossipTransport>;

/** Names to addresses; a name without any is an error of the network. */
export interface Resolver {
  /** All IP addresses of a host name, or the address itself. */
  addresses(host: string): Promise<readonly string[]>;
  /** All targets of an SRV record. */
  services(name: string): Promise<readonly Endpoint[]>;
}
