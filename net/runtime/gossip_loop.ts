/**
 * Runs the gossip core on a transport: every input goes in with the time, and
 * then its packets, streams and events go out and the timer is set anew. Knows
 * no sockets and no real clock, so that the simulator runs it unchanged.
 */
import { ProglogError } from "../../core/errors.ts";
import type {
  GossipEvent,
  MemberView,
  ReceivedQuery,
} from "../../core/swim/serf/events.ts";
import type { QueryRequest } from "../../core/swim/serf/queries.ts";
import { Serf } from "../../core/swim/serf/serf.ts";
import type { SendOutcome } from "../../core/swim/serf/user_events.ts";
import {
  type Endpoint,
  formatEndpoint,
  parseIp,
} from "../../core/swim/wire/ip.ts";
import {
  encodeKeyRequest,
  KEY_QUERIES,
  type KeyOperation,
} from "../../core/swim/wire/serf_keys.ts";
import type { Tags } from "../../core/swim/wire/tags.ts";
import type {
  GossipStream,
  GossipTransport,
  StreamHandler,
} from "../transport/gossip/types.ts";
import { callOn, type JoinOutcome, joinUntilAnswered } from "./gossip_join.ts";
import type { GossipEnvironment, GossipOptions } from "./gossip_options.ts";
import { answerKeyQuery, KeyPoll, type KeyReport } from "./gossip_keys.ts";
import { parseHostPort } from "./gossip_seeds.ts";
import { GossipStreams } from "./gossip_streams.ts";

export type { GossipEnvironment, GossipOptions };

/** How long a change of keys waits for answers (16 rounds of gossip). */
const KEY_QUERY_TIMEOUT_MS = 3200;

export class GossipNode {
  readonly #options: GossipOptions;
  readonly #environment: GossipEnvironment;
  readonly #onEvent: (event: GossipEvent) => void;
  readonly #streams = new GossipStreams({
    data: (streamId, bytes) =>
      this.#input((serf, nowMs) => serf.receiveStream(streamId, bytes, nowMs)),
    closed: (streamId, reason) =>
      this.#input((serf, nowMs) => serf.endStream(streamId, reason, nowMs)),
  });
  readonly #joinWaiters = new Set<(event: GossipEvent) => void>();
  readonly #keyPolls = new Map<number, KeyPoll>();
  readonly #stopped = new AbortController();
  #transport: GossipTransport | undefined;
  #serf: Serf | undefined;
  #cancelTimer: () => void = () => {};
  #timerAtMs = Number.NaN;
  #isPumping = false;
  #leaving: { promise: Promise<void>; done: () => void } | undefined;

  /** Nothing is opened before `start`. Events must be handled at once. */
  constructor(
    options: GossipOptions,
    environment: GossipEnvironment,
    onEvent: (event: GossipEvent) => void,
  ) {
    this.#options = options;
    this.#environment = environment;
    this.#onEvent = onEvent;
  }

  /** Binds and is a cluster of one; throws `unavailable` if it cannot bind. */
  async start(): Promise<void> {
    const { listen } = this.#environment;
    const bind = await this.#resolveOne(this.#options.bindAddr);
    const transport = await listen(bind, {
      packet: (from, bytes) =>
        this.#input((serf, nowMs) => serf.receive(from, bytes, nowMs)),
      stream: (from, stream) => this.#accept(from, stream),
    });
    this.#transport = transport;
    const advertise = await this.#advertised(transport.local);
    this.#serf = this.#newSerf(advertise);
    this.#pump();
  }

  /**
   * Calls on seeds (`host:port`, `dns:name:port`, `srv:name`) until one of
   * them answers, with growing waits in between that are told as notices.
   */
  async join(
    seeds: readonly string[],
    options: { timeoutMs?: number } = {},
  ): Promise<JoinOutcome> {
    return await joinUntilAnswered({
      ...options,
      seeds,
      environment: this.#environment,
      defaultPort: this.#running().transport.local.port,
      stopped: this.#stopped.signal,
      attempt: (to) => this.#joinOnce(to),
      notice: (text) => this.#onEvent({ kind: "notice", text }),
    });
  }

  /**
   * Calls once on the seeds that are no living members. Parts of a cluster that
   * started apart know nobody of each other: only seeds bring them together.
   */
  async rejoin(seeds: readonly string[]): Promise<void> {
    const present = this.members().filter(({ status }) => status === "alive");
    const addresses = new Set(present.map(formatEndpoint));
    await callOn({
      seeds,
      environment: this.#environment,
      defaultPort: this.local.port,
      attempt: (to) => this.#joinOnce(to),
    }, (to) => !addresses.has(formatEndpoint(to)));
  }

  /** Leaves in order: intent, then left; resolves when all that could know do. */
  async leave(): Promise<void> {
    if (this.#leaving === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#leaving = { promise, done: resolve };
      this.#input((serf, nowMs) => serf.leave(nowMs));
    }
    await this.#leaving.promise;
  }

  /** Closes everything, left or not. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#cancelTimer();
    this.#serf = undefined;
    this.#leaving?.done();
    await this.#transport?.close();
    this.#transport = undefined;
    this.#streams.clear();
  }

  /** Where we are bound; the port is never 0. */
  get local(): Endpoint {
    return this.#running().transport.local;
  }

  /** All members known, ourselves included, sorted by name. */
  members(): MemberView[] {
    return this.#running().serf.members();
  }

  /** 0 is healthy; 7 is a node that hardly hears anyone. */
  get healthScore(): number {
    return this.#running().serf.healthScore;
  }

  setTags(tags: Tags): SendOutcome {
    return this.#call((serf, nowMs) => serf.setTags(tags, nowMs));
  }

  /** Turns a failed member into one that left; pruning forgets it. */
  forceLeave(node: string, options: { isPrune: boolean }): void {
    this.#call((serf, nowMs) => serf.forceLeave(node, options, nowMs));
  }

  userEvent(event: {
    name: string;
    payload: Uint8Array;
    canCoalesce: boolean;
  }): SendOutcome {
    return this.#call((serf, nowMs) => serf.userEvent(event, nowMs));
  }

  /** Answers come as events under the number returned. */
  query(request: QueryRequest): SendOutcome & { readonly id: number } {
    return this.#call((serf, nowMs) => serf.query(request, nowMs));
  }

  respond(
    query: ReceivedQuery,
    payload: Uint8Array,
  ): ReturnType<Serf["respond"]> {
    return this.#call((serf, nowMs) => serf.respond(query, payload, nowMs));
  }

  /**
   * Changes or lists the gossip keys of all members, by Serf's key queries;
   * `key` is raw bytes, and not looked at for "list".
   */
  async changeKeys(
    request: { operation: KeyOperation; key: Uint8Array },
  ): Promise<KeyReport> {
    const { operation, key } = request;
    const present = this.members().filter(({ status }) => status === "alive");
    const poll = new KeyPoll(present.length);
    const none = new Uint8Array(0);
    const { id } = this.query({
      name: KEY_QUERIES[operation],
      payload: operation === "list" ? none : encodeKeyRequest(key),
      timeoutMs: KEY_QUERY_TIMEOUT_MS,
      wantsAcks: false,
    });
    this.#keyPolls.set(id, poll);
    try {
      return await poll.report;
    } finally {
      this.#keyPolls.delete(id);
    }
  }

  #newSerf(advertise: Endpoint): Serf {
    const { clock, random } = this.#environment;
    const { name, tags, timings, serfTimings, cipher } = this.#options;
    const label = new TextEncoder().encode(this.#options.label ?? "");
    const { identityTag, plainInput = "refused" } = this.#options;
    return new Serf({
      name,
      tags,
      ...(identityTag === undefined ? {} : { identityTag }),
      timings,
      serfTimings,
      advertiseAddress: parseIp(advertise.host)!,
      advertisePort: advertise.port,
      envelope: { label, cipher, plainInput },
      streamCompression: this.#options.streamCompression ?? "lzw",
    }, { random, nowMs: clock.monotonicMs() });
  }

  async #advertised(local: Endpoint): Promise<Endpoint> {
    const { advertiseAddr } = this.#options;
    if (advertiseAddr !== undefined) {
      const { host, port } = await this.#resolveOne(advertiseAddr);
      return { host, port: port === 0 ? local.port : port };
    }
    if (local.host !== "0.0.0.0" && local.host !== "::") return local;
    throw new ProglogError(
      "invalid_argument",
      `Cannot advertise ${local.host}: give an address that others can reach`,
    );
  }

  async #resolveOne(address: string): Promise<Endpoint> {
    const { host, port } = parseHostPort(address, 0);
    const [first] = await this.#environment.resolver.addresses(host);
    if (first !== undefined) return { host: first, port };
    throw new ProglogError("unavailable", `Host ${host} has no address`);
  }

  #joinOnce(to: Endpoint): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const where = formatEndpoint(to);
    const waiter = (event: GossipEvent) => {
      if (event.kind !== "join_attempt") return;
      if (formatEndpoint(event.to) !== where) return;
      this.#joinWaiters.delete(waiter);
      resolve(event.failure);
    };
    this.#joinWaiters.add(waiter);
    this.#input((serf, nowMs) => serf.join(to, nowMs));
    return promise;
  }

  #accept(from: Endpoint, stream: GossipStream): StreamHandler | undefined {
    const serf = this.#serf;
    if (serf === undefined) return undefined;
    const streamId = serf.acceptStream(from, this.#nowMs());
    this.#pump();
    if (streamId === undefined) return undefined;
    return this.#streams.add(streamId, stream);
  }

  #call<T>(action: (serf: Serf, nowMs: number) => T): T {
    const result = action(this.#running().serf, this.#nowMs());
    this.#pump();
    return result;
  }

  /** Like `#call`, for news from outside, which may come after the end. */
  #input(action: (serf: Serf, nowMs: number) => void): void {
    if (this.#serf === undefined) return;
    action(this.#serf, this.#nowMs());
    this.#pump();
  }

  /** Does the core's work. Events may call back in: then the loop goes on. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#pumpOnce()) continue;
    } finally {
      this.#isPumping = false;
    }
    this.#setTimer();
  }

  #pumpOnce(): boolean {
    const serf = this.#serf;
    const transport = this.#transport;
    if (serf === undefined || transport === undefined) return false;
    const { packets, streams } = serf.takeWork();
    for (const { to, bytes } of packets) transport.send(to, bytes);
    for (const work of streams) this.#streams.do(work, transport);
    const events = serf.takeEvents();
    for (const event of events) this.#tell(event);
    return packets.length + streams.length + events.length > 0;
  }

  #tell(event: GossipEvent): void {
    for (const waiter of this.#joinWaiters) waiter(event);
    if ("id" in event) this.#keyPolls.get(event.id)?.take(event);
    if (event.kind === "key_query") this.#answerKeyQuery(event);
    this.#onEvent(event);
    if (event.kind === "left") this.#leaving?.done();
  }

  #answerKeyQuery(event: GossipEvent & { readonly kind: "key_query" }): void {
    const { operation, query } = event;
    // What goes wrong is part of the answer: this never rejects.
    const answered = answerKeyQuery(operation, query, this.#options.keys);
    void answered.then((payload) =>
      this.#input((serf, nowMs) => serf.respond(query, payload, nowMs))
    );
  }

  /** One timer at a time; it is left alone while it is right. */
  #setTimer(): void {
    const deadlineMs = this.#serf?.nextDeadlineMs();
    if (deadlineMs === this.#timerAtMs) return;
    this.#cancelTimer();
    if (deadlineMs === undefined) return;
    this.#timerAtMs = deadlineMs;
    const delayMs = Math.max(0, Math.ceil(deadlineMs - this.#nowMs()));
    this.#cancelTimer = this.#environment.scheduler.after(delayMs, () => {
      this.#timerAtMs = Number.NaN;
      this.#input((serf, nowMs) => serf.tick(nowMs));
    });
  }

  #nowMs(): number {
    return this.#environment.clock.monotonicMs();
  }

  #running(): { serf: Serf; transport: GossipTransport } {
    const serf = this.#serf;
    const transport = this.#transport;
    if (serf !== undefined && transport !== undefined) {
      return { serf, transport };
    }
    throw new ProglogError("unavailable", "Gossip is not running");
  }
}
