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
/** An address that could not be reached is a second choice for so long. */
const AVOIDED_MS = 1_000;
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
   * Calls `listener` when a server that has calls knows of no leader although
   * another one does: it is cut off. Returns how to stop that.
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

  /** A server that knows of no leader may be cut off: the next one is asked. */
  async #askAny(): Promise<void> {
    let failure: unknown;
    let leaderless: Answer | undefined;
    const { seeds } = this.#endpoints;
    const first = this.#lastAnswer === undefined ? [] : [this.#lastAnswer];
    const all = allAddresses(this.#endpoints);
    const addresses = new Set([...first, ...seeds, ...all]);
    for (const address of this.#reachableFirst([...addresses])) {
      try {
        const answer = await this.#askOne(address);
        if (namesLeader(answer)) return this.#adopt(answer);
        leaderless ??= answer;
      } catch (error) {
        failure = worse(failure, asProglogError(error));
        this.#avoid(address);
      }
    }
    if (leaderless === undefined) throw failure ?? closed();
    this.#adopt(leaderless);
  }

  async #askOne(address: string): Promise<Answer> {
    const { client } = await this.#connection(address);
    const options = { timeoutMs: ASK_TIMEOUT_MS };
    const answer = await client.unary(GET_SERVERS, NO_BYTES, options);
    const { servers } = fromBinary(GetServersResponseSchema, answer);
    return { from: address, servers };
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
    const leaderless = await this.#leaderlessInUse();
    await this.#ask();
    if (this.#endpoints.leader === undefined) return;
    for (const address of leaderless) {
      this.#avoid(address);
      for (const listener of [...this.#onStray]) listener(address);
    }
  }

  /** Servers that have calls and know of no leader. */
  async #leaderlessInUse(): Promise<string[]> {
    const inUse = [...this.#open].filter(([, { client }]) =>
      client.callCount > 0
    );
    const answers = await Promise.allSettled(
      inUse.map(([address]) => this.#askOne(address)),
    );
    return answers.flatMap((answer) =>
      answer.status === "fulfilled" && !namesLeader(answer.value)
        ? [answer.value.from]
        : []
    );
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
