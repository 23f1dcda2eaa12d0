/**
 * One usable connection to some agent out of a list: dials when it is needed,
 * goes to the next address when one fails. Callers: producer, consumer, client.
 */
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

export class Channel {
  readonly #addresses: readonly string[];
  readonly #dial: Dial;
  #next = 0;
  #current: Promise<DialledConnection> | undefined;
  #isClosed = false;

  constructor(options: { addresses: readonly string[]; dial: Dial }) {
    this.#addresses = options.addresses;
    this.#dial = options.dial;
  }

  /** The open connection, or a new one. Rejects when no address answers. */
  async client(): Promise<GrpcClient> {
    const open = await this.#current?.catch(() => undefined);
    if (open !== undefined && isUsable(open.client)) return open.client;
    this.#current = this.#dialAny();
    return (await this.#current).client;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const open = await this.#current?.catch(() => undefined);
    open?.close();
  }

  async #dialAny(): Promise<DialledConnection> {
    let failure: unknown;
    for (let n = 0; n < this.#addresses.length; n++) {
      const address = this.#addresses[this.#next % this.#addresses.length];
      if (address === undefined || this.#isClosed) break;
      try {
        return await this.#dial(address);
      } catch (error) {
        failure = worse(failure, error);
        this.#next += 1;
      }
    }
    throw failure ?? new ProglogError("unavailable", "The client is closed");
  }
}

function isUsable(client: GrpcClient): boolean {
  return client.state === "connecting" || client.state === "ready";
}

/** Of several failures, the one that trying again will not mend. */
function worse(known: unknown, next: unknown): unknown {
  return isProglogError(known, "unauthenticated") ? known : next;
}
