/** A real clock, timer and chance for gossip nodes in tests. */
import { TIMINGS_LAN } from "../../core/swim/config.ts";
import { SERF_TIMINGS } from "../../core/swim/serf/context.ts";
import type { GossipEvent } from "../../core/swim/serf/events.ts";
import { createClock, createScheduler } from "../../net/os/clock.ts";
import { createRandom } from "../../net/os/random.ts";
import {
  type GossipEnvironment,
  GossipNode,
  type GossipOptions,
} from "../../net/runtime/gossip_loop.ts";
import { dnsResolver } from "../../net/transport/gossip/dns_resolver.ts";
import { listenGossip } from "../../net/transport/gossip/socket_transport.ts";

export const realEnvironment: GossipEnvironment = {
  clock: createClock(),
  scheduler: createScheduler(),
  random: createRandom(),
  resolver: dnsResolver,
  listen: listenGossip,
};

/** A node on a free port of the loopback address, with all that it told. */
export class TestNode {
  readonly events: GossipEvent[] = [];
  readonly node: GossipNode;
  readonly #waiters = new Set<() => void>();

  constructor(options: Partial<GossipOptions> & { name: string }) {
    this.node = new GossipNode(
      {
        bindAddr: "127.0.0.1:0",
        tags: {},
        timings: TIMINGS_LAN,
        serfTimings: SERF_TIMINGS,
        ...options,
      },
      realEnvironment,
      (event) => {
        this.events.push(event);
        for (const wake of this.#waiters) wake();
      },
    );
  }

  get address(): string {
    return `${this.node.local.host}:${this.node.local.port}`;
  }

  /** Resolves with the first event, past or to come, for which `holds`. */
  async event(
    what: string,
    holds: (event: GossipEvent) => boolean,
    timeoutMs = 20_000,
  ): Promise<GossipEvent> {
    const deadlineMs = Date.now() + timeoutMs;
    while (true) {
      const found = this.events.find(holds);
      if (found !== undefined) return found;
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0) {
        throw new Error(`${what} did not come in ${timeoutMs} ms`);
      }
      await this.#next(leftMs);
    }
  }

  #next(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#waiters.add(resolve);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(resolve);
    });
  }
}
