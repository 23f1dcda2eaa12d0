/**
 * A cluster of gossip nodes in virtual time on one thread: the same
 * `GossipNode` as in the agent, on a network that loses, delays and splits.
 * Everything comes from one seed; `trace` tells two runs apart.
 */
import type { Random } from "../../../core/env.ts";
import { type SwimTimings, TIMINGS_LAN } from "../../../core/swim/config.ts";
import { SERF_TIMINGS } from "../../../core/swim/serf/context.ts";
import type { GossipEvent } from "../../../core/swim/serf/events.ts";
import { crc32 } from "../../../core/crc32.ts";
import { type Endpoint, formatEndpoint } from "../../../core/swim/wire/ip.ts";
import {
  type GossipEnvironment,
  GossipNode,
} from "../../../net/runtime/gossip_loop.ts";
import type {
  GossipStream,
  GossipTransport,
  StreamHandler,
  TransportHandler,
} from "../../../net/transport/gossip/types.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { EventHeap } from "./event_heap.ts";

export interface SimOptions {
  readonly seed: number;
  /** Chance that a packet is lost, from 0 to 1. */
  readonly packetLoss?: number;
  /** Chance that a connection cannot be made, from 0 to 1. */
  readonly streamLoss?: number;
  readonly timings?: SwimTimings;
}

export interface SimNode {
  readonly name: string;
  readonly node: GossipNode;
  readonly events: { readonly atMs: number; readonly event: GossipEvent }[];
}

const PORT = 7946;
const LATENCY_MIN_MS = 0.2;
const LATENCY_SPREAD_MS = 2;

export class GossipSim {
  nowMs = 0;
  packets = 0;
  /** Sum over all that happened: equal for equal runs. */
  trace = 0;
  readonly nodes: SimNode[] = [];
  /** Whether two addresses can reach each other; all can at first. */
  canReach: (a: string, b: string) => boolean = () => true;
  #added = 0;
  readonly #options: SimOptions;
  readonly #random: Random;
  readonly #heap = new EventHeap();
  readonly #hosts = new Map<string, TransportHandler>();

  constructor(options: SimOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  /** Adds a node, on a new address if none is given, that joins the first. */
  async add(name: string, address?: string): Promise<SimNode> {
    const index = ++this.#added;
    const host = address ?? `10.0.${index >> 8}.${index & 0xff}`;
    const events: SimNode["events"] = [];
    const node = new GossipNode(
      {
        name,
        bindAddr: `${host}:${PORT}`,
        tags: { rpc_addr: `${host}:8400` },
        timings: this.#options.timings ?? TIMINGS_LAN,
        serfTimings: SERF_TIMINGS,
        streamCompression: "none",
      },
      this.#environment(host),
      (event) => {
        if (event.kind === "notice") return;
        events.push({ atMs: this.nowMs, event });
        this.#note(`${this.nowMs} ${name} ${event.kind}`);
      },
    );
    const simNode = { name, node, events };
    this.nodes.push(simNode);
    await node.start();
    if (index > 1) void node.join([`10.0.0.1:${PORT}`]);
    return simNode;
  }

  /** The machine dies: no leave, no further packet. */
  async crash(simNode: SimNode): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(simNode), 1);
    await simNode.node.stop();
  }

  /** Lets `ms` of virtual time pass. */
  async run(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    while (true) {
      const event = this.#heap.popUntil(untilMs);
      if (event === undefined) break;
      this.nowMs = event.atMs;
      event.run();
      // What waits for this event goes on before the next one.
      await null;
    }
    this.nowMs = untilMs;
  }

  /** Runs until `holds`, asked each `stepMs`; the time it took, or undefined. */
  async runUntil(
    holds: () => boolean,
    options: { timeoutMs: number; stepMs: number },
  ): Promise<number | undefined> {
    const startMs = this.nowMs;
    while (this.nowMs - startMs < options.timeoutMs) {
      if (holds()) return this.nowMs - startMs;
      await this.run(options.stepMs);
    }
    return holds() ? this.nowMs - startMs : undefined;
  }

  /** Whether each of `watchers` shows each of `names` with `status`. */
  all(
    watchers: readonly SimNode[],
    names: readonly string[],
    status: string,
  ): boolean {
    const wanted = new Set(names);
    return watchers.every(({ node }) => {
      const members = node.members();
      const fitting = members.filter((member) =>
        wanted.has(member.name) && member.status === status
      );
      return fitting.length === wanted.size;
    });
  }

  /** Failures that were reported of nodes that live. */
  falseFailures(): number {
    const living = new Set(this.nodes.map(({ name }) => name));
    let count = 0;
    for (const { events } of this.nodes) {
      for (const { event } of events) {
        if (event.kind !== "member_failed") continue;
        if (living.has(event.member.name)) count++;
      }
    }
    return count;
  }

  async stop(): Promise<void> {
    for (const { node } of this.nodes) await node.stop();
  }

  #environment(host: string): GossipEnvironment {
    return {
      clock: { wallMs: () => this.nowMs, monotonicMs: () => this.nowMs },
      scheduler: {
        after: (delayMs, run) => this.#heap.push(this.nowMs + delayMs, run),
      },
      random: seededRandom(this.#random.nextU32()),
      resolver: {
        addresses: (name) => Promise.resolve([name]),
        services: () => Promise.resolve([]),
      },
      listen: (local, handler) => {
        this.#hosts.set(host, handler);
        return Promise.resolve(this.#transport(local));
      },
    };
  }

  #transport(local: Endpoint): GossipTransport {
    return {
      local,
      send: (to, packet) => this.#sendPacket(local, to, packet),
      open: (to, handler) => this.#openStream(local, to, handler),
      close: () => {
        this.#hosts.delete(local.host);
        return Promise.resolve();
      },
    };
  }

  #sendPacket(from: Endpoint, to: Endpoint, packet: Uint8Array): void {
    this.packets++;
    this.trace = crc32(packet, this.trace);
    if (this.#chance() < (this.#options.packetLoss ?? 0)) return;
    if (!this.canReach(from.host, to.host)) return;
    this.#later(() => this.#hosts.get(to.host)?.packet(from, packet));
  }

  #openStream(
    from: Endpoint,
    to: Endpoint,
    handler: StreamHandler,
  ): GossipStream {
    this.#note(`${this.nowMs} ${formatEndpoint(from)} ${formatEndpoint(to)}`);
    const isLost = this.#chance() < (this.#options.streamLoss ?? 0);
    if (isLost || !this.canReach(from.host, to.host)) return silentStream;
    const pair = new StreamPair((run) => this.#later(run));
    const near = pair.end("near");
    pair.near = handler;
    this.#later(() => {
      const host = this.#hosts.get(to.host);
      pair.far = host?.stream(from, pair.end("far"));
      if (pair.far === undefined) {
        pair.isRefused = true;
        pair.near?.closed("connection refused");
      }
    });
    return near;
  }

  /** Streams keep their order, as all take one way of one length. */
  #later(run: () => void): void {
    const spreadMs = LATENCY_SPREAD_MS * this.#chance();
    this.#heap.push(this.nowMs + LATENCY_MIN_MS + spreadMs, run);
  }

  #chance(): number {
    return this.#random.nextU32() / 0x1_0000_0000;
  }

  #note(text: string): void {
    this.trace = crc32(new TextEncoder().encode(text), this.trace);
  }
}

const silentStream: GossipStream = { write() {}, end() {} };

/** Two ends of a connection; bytes and the end arrive in order. */
class StreamPair {
  near: StreamHandler | undefined;
  far: StreamHandler | undefined;
  isRefused = false;
  readonly #later: (run: () => void) => void;

  constructor(later: (run: () => void) => void) {
    this.#later = later;
  }

  end(side: "near" | "far"): GossipStream {
    const queue: (() => void)[] = [];
    const other = () => side === "near" ? this.far : this.near;
    // Delays differ, so each arrival delivers the oldest that is queued.
    const send = (deliver: () => void) => {
      queue.push(deliver);
      this.#later(() => this.#afterConnect(() => queue.shift()?.()));
    };
    return {
      write: (bytes) => send(() => other()?.data(bytes)),
      end: () => send(() => other()?.closed("closed")),
    };
  }

  /** Bytes that are faster than the connection wait for it. */
  #afterConnect(deliver: () => void): void {
    if (this.isRefused) return;
    if (this.far !== undefined) deliver();
    else this.#later(() => this.#afterConnect(deliver));
  }
}
