/**
 * Connections of one client, by address, and who gets which: resolver and picker
 * decide, this file dials and asks. Servers are asked again after a failure, and
 * now and then while calls run. Callers: producer, consumer, client.
 */
import type { Clock, Scheduler } from "../../core/env.ts";
import { isProglogError, ProglogError } from "../../core/errors.ts";
import type { GrpcClient } from "../grpc/client.ts";
import { GetServersResponseSchema } from "../rpc/gen/log/v1/log_pb.ts";
import { fromBinary } from "../rpc/protobuf.ts";
import { type CallKind, Picker } from "./picker.ts";
import {
  afterAnswer,
  allAddresses,
  type Answer,
  type Endpoints,
  initialEndpoints,
} from "./resolver.ts";
import { asProglogError } from "./retry.ts";

/** A connection and the means to end it. */
export interface DialledConnection {
  readonly client: GrpcClient;
  /** Closes at once; open calls fail. */
  close(): void;
}

/** Connects to "host:port", or rejects with words (`unavailable`, `unauthenticated`). */
export type Dial = (address: string) => Promise<DialledConnection>;

/** Where a call goes. */
export interface Route {
  readonly client: GrpcClient;
  readonly address: string;
}

export interface PoolOptions {
  /** "host:port" of one or more agents. */
  readonly addresses: readonly string[];
  readonly dial: Dial;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

/**
 * How old the list of servers gets while calls run. It is also what takes a
 * producer away from a leader that hangs and breaks no connection.
 */
export const REFRESH_MS = 2_000;
const ASK_TIMEOUT_MS = 2_000;
/** How long the next server waits for the answer of the one before it. */
const PATIENCE_MS = 500;
/** An address that could not be reached is a second choice for so long. */
const AVOIDED_MS = 5_000;
const GET_SERVERS = "/log.v1.Log/GetServers";
const NO_BYTES = new Uint8Array(0);

export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #picker = new Picker();
  readonly #dialling = new Map<string, Promise<DialledConnection>>();
  readonly #open = new Map<string, DialledConnection>();
  readonly #avoidedUntilMs = new Map<string, number>();
  readonly #onLeader = new Set<(leader: string) => void>();
  readonly #onStray = new Set<(address: string) => void>();
  #endpoints: Endpoints;
  /** "unknown": nobody has answered yet, or what was answered has proved wrong. */
  #knowledge: "unknown" | "known" = "unknown";
  #asking: Promise<void> | undefined;
  #lastAnswer: string | undefined;
  #cancelRefresh: (() => void) | undefined;
  #isUsed = false;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#endpoints = initialEndpoints(options.addresses);
  }

  get endpoints(): Endpoints {
    return this.#endpoints;
  }

  /** Rejects when no server can be reached. */
  async route(kind: CallKind): Promise<Route> {
    this.#isUsed = true;
    if (this.#knowledge === "unknown") await this.#ask();
    const order = this.#picker.order(kind, this.#endpoints);
    return await this.#firstReachable(this.#reachableFirst(order));
  }

  /** A call on the route has failed: the servers are asked before the next one. */
  failed({ address, client }: Route, error: ProglogError): void {
    if (error.code !== "unavailable" && error.code !== "not_leader") return;
    this.#knowledge = "unknown";
    if (!isUsable(client)) this.#avoid(address);
  }

  /** Calls `listener` when another server leads; returns how to stop that. */
  onLeader(listener: (leader: string) => void): () => void {
    this.#onLeader.add(listener);
    return () => this.#onLeader.delete(listener);
  }

  /**
   * Calls `listener` when a server that has calls is silent, or knows of no
   * leader, although another one does: it is cut off. Returns how to stop that.
   */
  onStray(listener: (address: string) => void): () => void {
    this.#onStray.add(listener);
    return () => this.#onStray.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelRefresh?.();
    await Promise.allSettled(this.#dialling.values());
    for (const connection of this.#open.values()) connection.close();
    this.#open.clear();
  }

  #reachableFirst(order: readonly string[]): string[] {
    const nowMs = this.#options.clock.monotonicMs();
    const isAvoided = (address: string) =>
      (this.#avoidedUntilMs.get(address) ?? 0) > nowMs;
    return [
      ...order.filter((address) => !isAvoided(address)),
      ...order.filter(isAvoided),
    ];
  }

  async #firstReachable(order: readonly string[]): Promise<Route> {
    let failure: unknown;
    for (const address of order) {
      try {
        const { client } = await this.#connection(address);
        return { client, address };
      } catch (error) {
        failure = worse(failure, error);
      }
    }
    throw failure ?? closed();
  }

  /** The open connection to an address, or a new one, shared by all who ask. */
  #connection(address: string): Promise<DialledConnection> {
    const open = this.#open.get(address);
    if (open !== undefined && isUsable(open.client)) {
      return Promise.resolve(open);
    }
    const dialling = this.#dialling.get(address) ?? this.#dial(address)
      .finally(() => this.#dialling.delete(address));
    this.#dialling.set(address, dialling);
    return dialling;
  }

  async #dial(address: string): Promise<DialledConnection> {
    if (this.#isClosed) throw closed();
    try {
      const connection = await this.#options.dial(address);
      this.#open.set(address, connection);
      return connection;
    } catch (error) {
      this.#avoid(address);
      throw error;
    }
  }

  #avoid(address: string): void {
    const untilMs = this.#options.clock.monotonicMs() + AVOIDED_MS;
    this.#avoidedUntilMs.set(address, untilMs);
  }

  /** All who need it share one question. */
  #ask(): Promise<void> {
    this.#asking ??= this.#askAny().finally(() => this.#asking = undefined);
    return this.#asking;
  }

  /**
   * A server that knows of no leader may be cut off: the next one is asked, also
   * while an answer takes long.
   */
  async #askAny(): Promise<void> {
    const found: { leading?: Answer; leaderless?: Answer; failure?: unknown } =
      {};
    const running = new Set<Promise<void>>();
    for (const address of this.#askOrder()) {
      const asking = this.#askInto(found, address)
        .finally(() => running.delete(asking));
      running.add(asking);
      await this.#orPatience(asking);
      if (found.leading !== undefined) return this.#adopt(found.leading);
    }
    while (running.size > 0 && found.leading === undefined) {
      await Promise.race(running);
    }
    const answer = found.leading ?? found.leaderless;
    if (answer === undefined) throw found.failure ?? closed();
    this.#adopt(answer);
  }

  /** Who answered last time comes first, then whom the user named. */
  #askOrder(): string[] {
    const first = this.#lastAnswer === undefined ? [] : [this.#lastAnswer];
    const all = allAddresses(this.#endpoints);
    const addresses = new Set([...first, ...this.#endpoints.seeds, ...all]);
    return this.#reachableFirst([...addresses]);
  }

  async #askInto(
    found: { leading?: Answer; leaderless?: Answer; failure?: unknown },
    address: string,
  ): Promise<void> {
    try {
      const answer = await this.#askOne(address);
      if (namesLeader(answer)) found.leading ??= answer;
      else found.leaderless ??= answer;
    } catch (error) {
      found.failure = worse(found.failure, asProglogError(error));
      this.#avoid(address);
    }
  }

  /** Waits for the answer of one, but not for long. */
  async #orPatience(asking: Promise<void>): Promise<void> {
    let cancel = () => {};
    const patience = new Promise<void>((resolve) => {
      cancel = this.#options.scheduler.after(PATIENCE_MS, resolve);
    });
    await Promise.race([asking, patience]);
    cancel();
  }

  /** A connection without a sign of life may be dead while its server lives. */
  async #askOne(address: string): Promise<Answer> {
    const connection = await this.#connection(address);
    const askedMs = this.#options.clock.monotonicMs();
    try {
      return await ask(connection, address);
    } catch (error) {
      if (connection.client.lastReceivedMs >= askedMs) throw error;
      return await this.#askAnew(address, connection);
    }
  }

  /** Where a new connection is answered, calls on the silent one are over. */
  async #askAnew(address: string, silent: DialledConnection): Promise<Answer> {
    const fresh = await this.#options.dial(address);
    let isNeeded = false;
    try {
      const answer = await ask(fresh, address);
      isNeeded = !this.#isClosed && this.#open.get(address) === silent;
      return answer;
    } finally {
      if (isNeeded) this.#open.set(address, fresh);
      (isNeeded ? silent : fresh).close();
    }
  }

  #adopt(answer: Answer): void {
    this.#lastAnswer = answer.from;
    const before = this.#endpoints.leader;
    this.#endpoints = afterAnswer(this.#endpoints, answer);
    this.#knowledge = "known";
    this.#closeUnneeded();
    this.#refreshLater();
    const { leader } = this.#endpoints;
    if (leader === undefined || leader === before) return;
    for (const listener of [...this.#onLeader]) listener(leader);
  }

  async #refresh(): Promise<void> {
    const strays = await this.#straysInUse();
    for (const address of strays) this.#avoid(address);
    await this.#ask();
    if (this.#endpoints.leader === undefined) return;
    for (const address of strays) {
      this.#avoid(address);
      for (const listener of [...this.#onStray]) listener(address);
    }
  }

  /** Servers that have calls, and are silent or know of no leader. */
  async #straysInUse(): Promise<string[]> {
    const inUse = [...this.#open]
      .filter(([, { client }]) => client.callCount > 0)
      .map(([address]) => address);
    const areStray = await Promise.all(
      inUse.map((address) => this.#isStray(address)),
    );
    return inUse.filter((_, n) => areStray[n]);
  }

  async #isStray(address: string): Promise<boolean> {
    try {
      return !namesLeader(await this.#askOne(address));
    } catch (error) {
      return asProglogError(error).code === "unavailable";
    }
  }

  #refreshLater(): void {
    if (this.#isClosed) return;
    this.#cancelRefresh?.();
    this.#cancelRefresh = this.#options.scheduler.after(REFRESH_MS, () => {
      if (this.#isUsed || this.#hasCalls()) {
        this.#isUsed = false;
        // Nobody waits for it: the next call asks again and reports.
        this.#refresh().catch(() => this.#refreshLater());
      } else this.#knowledge = "unknown";
    });
  }

  #hasCalls(): boolean {
    return [...this.#open.values()].some(({ client }) => client.callCount > 0);
  }

  /** Connections to servers that are no more, once nothing runs on them. */
  #closeUnneeded(): void {
    const needed = new Set(allAddresses(this.#endpoints));
    for (const [address, connection] of this.#open) {
      if (needed.has(address) || connection.client.callCount > 0) continue;
      this.#open.delete(address);
      connection.close();
    }
  }
}

async function ask(
  { client }: DialledConnection,
  address: string,
): Promise<Answer> {
  const options = { timeoutMs: ASK_TIMEOUT_MS };
  const answer = await client.unary(GET_SERVERS, NO_BYTES, options);
  const { servers } = fromBinary(GetServersResponseSchema, answer);
  return { from: address, servers };
}

function namesLeader({ servers }: Answer): boolean {
  return servers.some(({ isLeader }) => isLeader);
}

function isUsable(client: GrpcClient): boolean {
  return client.state === "connecting" || client.state === "ready";
}

/** Of several failures, the one that trying again will not mend. */
function worse(known: unknown, next: unknown): unknown {
  return isProglogError(known, "unauthenticated") ? known : next;
}

function closed(): ProglogError {
  return new ProglogError("unavailable", "The client is closed");
}
