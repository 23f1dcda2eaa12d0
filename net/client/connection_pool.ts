/**
 * Where each call of one client goes: keeps what is known of the servers, asks
 * them again after a failure and now and then while calls run, and tells calls
 * that should go elsewhere. Callers: producer, consumer, client.
 */
import type { Clock, Scheduler } from "../../core/env.ts";
import type { ProglogError } from "../../core/errors.ts";
import type { GrpcClient } from "../grpc/client.ts";
import { Connections, type Dial, isUsable } from "./connections.ts";
import { type CallKind, Picker } from "./picker.ts";
import {
  afterAnswer,
  allAddresses,
  type Answer,
  type Endpoints,
  initialEndpoints,
} from "./resolver.ts";
import { ServerSurvey } from "./server_survey.ts";

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

export class ConnectionPool {
  readonly #scheduler: Scheduler;
  readonly #connections: Connections;
  readonly #survey: ServerSurvey;
  readonly #picker = new Picker();
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
    this.#scheduler = options.scheduler;
    this.#connections = new Connections(options);
    const connections = this.#connections;
    this.#survey = new ServerSurvey({ ...options, connections });
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
    const connections = this.#connections;
    return await connections.toFirst(connections.reachableFirst(order));
  }

  /** A call on the route has failed: the servers are asked before the next one. */
  failed({ address, client }: Route, error: ProglogError): void {
    if (error.code !== "unavailable" && error.code !== "not_leader") return;
    this.#knowledge = "unknown";
    if (!isUsable(client)) this.#connections.avoid(address);
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
    await this.#connections.close();
  }

  /** All who need it share one question. */
  #ask(): Promise<void> {
    this.#asking ??= this.#survey.ask(this.#askOrder())
      .then((answer) => this.#adopt(answer))
      .finally(() => this.#asking = undefined);
    return this.#asking;
  }

  /** Who answered last time comes first, then whom the user named. */
  #askOrder(): string[] {
    const first = this.#lastAnswer === undefined ? [] : [this.#lastAnswer];
    const all = allAddresses(this.#endpoints);
    const addresses = new Set([...first, ...this.#endpoints.seeds, ...all]);
    return this.#connections.reachableFirst([...addresses]);
  }

  #adopt(answer: Answer): void {
    this.#lastAnswer = answer.from;
    const before = this.#endpoints.leader;
    this.#endpoints = afterAnswer(this.#endpoints, answer);
    this.#knowledge = "known";
    this.#connections.keepOnly(new Set(allAddresses(this.#endpoints)));
    this.#refreshLater();
    const { leader } = this.#endpoints;
    if (leader === undefined || leader === before) return;
    for (const listener of [...this.#onLeader]) listener(leader);
  }

  #refreshLater(): void {
    if (this.#isClosed) return;
    this.#cancelRefresh?.();
    this.#cancelRefresh = this.#scheduler.after(REFRESH_MS, () => {
      if (this.#isUsed || this.#connections.inUse.length > 0) {
        this.#isUsed = false;
        // Nobody waits for it: the next call asks again and reports.
        this.#refresh().catch(() => this.#refreshLater());
      } else this.#knowledge = "unknown";
    });
  }

  async #refresh(): Promise<void> {
    const strays = await this.#straysInUse();
    for (const address of strays) this.#connections.avoid(address);
    await this.#ask();
    if (this.#endpoints.leader === undefined) return;
    for (const address of strays) {
      this.#connections.avoid(address);
      for (const listener of [...this.#onStray]) listener(address);
    }
  }

  async #straysInUse(): Promise<string[]> {
    const { inUse } = this.#connections;
    const areStray = await Promise.all(
      inUse.map((address) => this.#survey.isStray(address)),
    );
    return inUse.filter((_, n) => areStray[n]);
  }
}
