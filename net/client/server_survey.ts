/**
 * Asks servers who the servers are, and who leads. A server that knows of no
 * leader may be cut off, and one that is silent may be dead: the next one is
 * asked. Caller: connection_pool.ts.
 */
import type { Clock, Scheduler } from "../../core/env.ts";
import { GetServersResponseSchema } from "../rpc/gen/log/v1/log_pb.ts";
import { fromBinary } from "../rpc/protobuf.ts";
import {
  closed,
  type Connections,
  type DialledConnection,
  worse,
} from "./connections.ts";
import type { Answer } from "./resolver.ts";
import { asProglogError } from "./retry.ts";

const ASK_TIMEOUT_MS = 2_000;
/** How long the next server waits for the answer of the one before it. */
const PATIENCE_MS = 500;
const GET_SERVERS = "/log.v1.Log/GetServers";
const NO_BYTES = new Uint8Array(0);

interface Found {
  leading?: Answer;
  leaderless?: Answer;
  failure?: unknown;
}

export class ServerSurvey {
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;

  constructor(options: {
    readonly connections: Connections;
    readonly clock: Clock;
    readonly scheduler: Scheduler;
  }) {
    this.#connections = options.connections;
    this.#clock = options.clock;
    this.#scheduler = options.scheduler;
  }

  /**
   * The first answer that names a leader, in this order unless an answer takes
   * long; else any answer. Throws the failure where there is none.
   */
  async ask(addresses: readonly string[]): Promise<Answer> {
    const found: Found = {};
    const running = new Set<Promise<void>>();
    for (const address of addresses) {
      const asking = this.#askInto(found, address)
        .finally(() => running.delete(asking));
      running.add(asking);
      await this.#orPatience(asking);
      if (found.leading !== undefined) return found.leading;
    }
    while (running.size > 0 && found.leading === undefined) {
      await Promise.race(running);
    }
    const answer = found.leading ?? found.leaderless;
    if (answer === undefined) throw found.failure ?? closed();
    return answer;
  }

  /** Whether a server is silent, or knows of no leader. */
  async isStray(address: string): Promise<boolean> {
    try {
      return !namesLeader(await this.#askOne(address));
    } catch (error) {
      return asProglogError(error).code === "unavailable";
    }
  }

  async #askInto(found: Found, address: string): Promise<void> {
    try {
      const answer = await this.#askOne(address);
      if (namesLeader(answer)) found.leading ??= answer;
      else found.leaderless ??= answer;
    } catch (error) {
      found.failure = worse(found.failure, asProglogError(error));
      this.#connections.avoid(address);
    }
  }

  /** Waits for the answer of one, but not for long. */
  async #orPatience(asking: Promise<void>): Promise<void> {
    const patience = Promise.withResolvers<void>();
    const cancel = this.#scheduler.after(PATIENCE_MS, patience.resolve);
    await Promise.race([asking, patience.promise]);
    cancel();
  }

  /** A connection without a sign of life may be dead while its server lives. */
  async #askOne(address: string): Promise<Answer> {
    const connection = await this.#connections.to(address);
    const askedMs = this.#clock.monotonicMs();
    const ask = async ({ client }: DialledConnection): Promise<Answer> => {
      const options = { timeoutMs: ASK_TIMEOUT_MS };
      const answer = await client.unary(GET_SERVERS, NO_BYTES, options);
      const { servers } = fromBinary(GetServersResponseSchema, answer);
      return { from: address, servers };
    };
    try {
      return await ask(connection);
    } catch (error) {
      if (connection.client.lastReceivedMs >= askedMs) throw error;
      return await this.#connections.anew(address, connection, ask);
    }
  }
}

function namesLeader({ servers }: Answer): boolean {
  return servers.some(({ isLeader }) => isLeader);
}
