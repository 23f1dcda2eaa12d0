/**
 * Connections from this node to the leaders of its logs, by address. Few: calls
 * share them, and another one is opened where one carries many.
 */
import type { GrpcClient } from "../grpc/client.ts";

export interface LeaderConnection {
  readonly client: GrpcClient;
  /** Closes at once; open calls fail. */
  close(): void;
}

/** Connects with the certificate of a peer; rejects with ProglogError. */
export type DialLeader = (address: string) => Promise<LeaderConnection>;

/** Below the 1,024 streams of our server, so that no call waits for one. */
const CALLS_PER_CONNECTION_MAX = 512;
const CONNECTIONS_PER_LEADER_MAX = 8;

export class LeaderConnections {
  readonly #dial: DialLeader;
  readonly #open = new Map<string, LeaderConnection[]>();
  readonly #dialling = new Map<string, Promise<LeaderConnection>>();
  #isClosed = false;

  constructor(dial: DialLeader) {
    this.#dial = dial;
  }

  /** A connection that takes calls; rejects as `dial` does. */
  async client(address: string): Promise<GrpcClient> {
    const open = (this.#open.get(address) ?? []).filter(isUsable);
    this.#open.set(address, open);
    const [best] = open.toSorted((left, right) =>
      left.client.callCount - right.client.callCount
    );
    const isFull = best === undefined ||
      best.client.callCount >= CALLS_PER_CONNECTION_MAX;
    if (best !== undefined && (!isFull || isAtLimit(open))) return best.client;
    return (await this.#dialOnce(address)).client;
  }

  /** Closes those to other addresses: nobody there will do what waits. */
  keepOnly(addresses: ReadonlySet<string>): void {
    for (const [address, open] of this.#open) {
      if (addresses.has(address)) continue;
      this.#open.delete(address);
      for (const connection of open) connection.close();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.keepOnly(new Set());
  }

  /** All who need it at a time share one attempt. */
  #dialOnce(address: string): Promise<LeaderConnection> {
    const running = this.#dialling.get(address);
    if (running !== undefined) return running;
    const dialling = this.#dialNow(address)
      .finally(() => this.#dialling.delete(address));
    this.#dialling.set(address, dialling);
    return dialling;
  }

  async #dialNow(address: string): Promise<LeaderConnection> {
    const connection = await this.#dial(address);
    const open = this.#open.get(address) ?? [];
    if (this.#isClosed) connection.close();
    else this.#open.set(address, [...open, connection]);
    return connection;
  }
}

function isUsable({ client }: LeaderConnection): boolean {
  return client.state === "connecting" || client.state === "ready";
}

function isAtLimit(open: readonly LeaderConnection[]): boolean {
  return open.length >= CONNECTIONS_PER_LEADER_MAX;
}
