/**
 * The open connections of one client, one for each address, and which addresses
 * are better left alone for a while. Caller: connection_pool.ts.
 */
import type { Clock } from "../../core/env.ts";
import { isProglogError, ProglogError } from "../../core/errors.ts";
import type { GrpcClient } from "../grpc/client.ts";

/** A connection and the means to end it. */
export interface DialledConnection {
  readonly client: GrpcClient;
  /** Closes at once; open calls fail. */
  close(): void;
}

/** Connects to "host:port", or rejects with words (`unavailable`, `unauthenticated`). */
export type Dial = (address: string) => Promise<DialledConnection>;

/** An address that could not be reached is a second choice for so long. */
const AVOIDED_MS = 5_000;

export class Connections {
  readonly #dial: Dial;
  readonly #clock: Clock;
  readonly #dialling = new Map<string, Promise<DialledConnection>>();
  readonly #open = new Map<string, DialledConnection>();
  readonly #avoidedUntilMs = new Map<string, number>();
  #isClosed = false;

  constructor(options: { readonly dial: Dial; readonly clock: Clock }) {
    this.#dial = options.dial;
    this.#clock = options.clock;
  }

  /** Addresses on whose connections calls run. */
  get inUse(): string[] {
    return [...this.#open].filter(([, { client }]) => client.callCount > 0)
      .map(([address]) => address);
  }

  /** The open connection to an address, or a new one, shared by all who ask. */
  to(address: string): Promise<DialledConnection> {
    const open = this.#open.get(address);
    if (open !== undefined && isUsable(open.client)) {
      return Promise.resolve(open);
    }
    const dialling = this.#dialling.get(address) ?? this.#connect(address)
      .finally(() => this.#dialling.delete(address));
    this.#dialling.set(address, dialling);
    return dialling;
  }

  /** To the first of these addresses that can be reached. */
  async toFirst(
    addresses: readonly string[],
  ): Promise<{ readonly address: string; readonly client: GrpcClient }> {
    let failure: unknown;
    for (const address of addresses) {
      try {
        const { client } = await this.to(address);
        return { client, address };
      } catch (error) {
        failure = worse(failure, error);
      }
    }
    throw failure ?? closed();
  }

  /**
   * A second connection beside one that is silent. Where `use` succeeds on it, it
   * takes the place of the silent one, and calls on that are over.
   */
  async anew<T>(
    address: string,
    silent: DialledConnection,
    use: (connection: DialledConnection) => Promise<T>,
  ): Promise<T> {
    const fresh = await this.#dial(address);
    let isNeeded = false;
    try {
      const answer = await use(fresh);
      isNeeded = !this.#isClosed && this.#open.get(address) === silent;
      return answer;
    } finally {
      if (isNeeded) this.#open.set(address, fresh);
      (isNeeded ? silent : fresh).close();
    }
  }

  avoid(address: string): void {
    const untilMs = this.#clock.monotonicMs() + AVOIDED_MS;
    this.#avoidedUntilMs.set(address, untilMs);
  }

  /** The same addresses, those to avoid behind the others. */
  reachableFirst(addresses: readonly string[]): string[] {
    const nowMs = this.#clock.monotonicMs();
    const isAvoided = (address: string) =>
      (this.#avoidedUntilMs.get(address) ?? 0) > nowMs;
    return [
      ...addresses.filter((address) => !isAvoided(address)),
      ...addresses.filter(isAvoided),
    ];
  }

  /** Closes what is not needed any more, once nothing runs on it. */
  keepOnly(needed: ReadonlySet<string>): void {
    for (const [address, connection] of this.#open) {
      if (needed.has(address) || connection.client.callCount > 0) continue;
      this.#open.delete(address);
      connection.close();
    }
    for (const address of this.#avoidedUntilMs.keys()) {
      if (!needed.has(address)) this.#avoidedUntilMs.delete(address);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#dialling.values());
    for (const connection of this.#open.values()) connection.close();
    this.#open.clear();
  }

  async #connect(address: string): Promise<DialledConnection> {
    if (this.#isClosed) throw closed();
    try {
      const connection = await this.#dial(address);
      this.#open.set(address, connection);
      return connection;
    } catch (error) {
      this.avoid(address);
      throw error;
    }
  }
}

export function isUsable(client: GrpcClient): boolean {
  return client.state === "connecting" || client.state === "ready";
}

/** Of several failures, the one that trying again will not mend. */
export function worse(known: unknown, next: unknown): unknown {
  return isProglogError(known, "unauthenticated") ? known : next;
}

export function closed(): ProglogError {
  return new ProglogError("unavailable", "The client is closed");
}
