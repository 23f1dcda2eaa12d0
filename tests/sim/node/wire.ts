/**
 * What whole nodes send each other: packets and streams of gossip, messages
 * between peers. Addresses are of machines, and may move; what is sent to one
 * reaches whoever has it by then.
 */
import type { Endpoint } from "../../../core/swim/wire/ip.ts";
import type {
  GossipStream,
  GossipTransport,
  StreamHandler,
  TransportHandler,
} from "../../../net/transport/gossip/types.ts";
import type { EventQueue } from "../event_queue.ts";
import type { Network } from "../network.ts";
import type { SeededRandom } from "../random.ts";
import type { SimLinks } from "./sim_links.ts";

/** One life of a node on a machine: what is meant for it ends with it. */
export interface Life {
  readonly machine: string;
  readonly address: string;
  /** Does it on the machine: now, or when it is no longer paused; or never. */
  run(work: () => void): void;
}

interface Served {
  readonly life: Life;
  gossip: TransportHandler | undefined;
  links: SimLinks | undefined;
}

interface WireParts {
  readonly events: EventQueue;
  readonly network: Network<() => void>;
  readonly random: SeededRandom;
}

const STREAM_DELAY_MAX_MS = 3;

export class Wire {
  readonly #served = new Map<string, Served>();
  readonly #parts: WireParts;

  constructor(parts: WireParts) {
    this.#parts = parts;
  }

  plugIn(life: Life): void {
    const { address } = life;
    this.#served.set(address, { life, gossip: undefined, links: undefined });
  }

  unplug(address: string): void {
    this.#served.delete(address);
  }

  serveLinks(life: Life, links: SimLinks): void {
    const served = this.#served.get(life.address);
    if (served?.life === life) served.links = links;
  }

  /** Sends to the links that are at `address`; "refused" when nobody is. */
  message(
    life: Life,
    address: string,
    arrive: (links: SimLinks) => void,
  ): "sent" | "refused" {
    const served = this.#served.get(address);
    if (served === undefined) return "refused";
    const to = served.life.machine;
    this.#parts.network.send({ from: life.machine, to }, () => {
      const { links } = served;
      if (links !== undefined) served.life.run(() => arrive(links));
    });
    return "sent";
  }

  listen(
    life: Life,
    local: Endpoint,
    handler: TransportHandler,
  ): GossipTransport {
    const served = this.#served.get(life.address);
    if (served?.life === life) served.gossip = handler;
    return {
      local,
      send: (to, packet) => this.#packet(life, { from: local, to }, packet),
      open: (to, near) => this.#open(life, { from: local, to }, near),
      close: () => {
        if (served !== undefined) served.gossip = undefined;
        return Promise.resolve();
      },
    };
  }

  #packet(
    life: Life,
    way: { from: Endpoint; to: Endpoint },
    packet: Uint8Array,
  ): void {
    const served = this.#served.get(way.to.host);
    if (served === undefined) return;
    const link = { from: life.machine, to: served.life.machine };
    this.#parts.network.send(link, () => {
      served.life.run(() => served.gossip?.packet(way.from, packet));
    });
  }

  #open(
    life: Life,
    way: { from: Endpoint; to: Endpoint },
    handler: StreamHandler,
  ): GossipStream {
    const served = this.#served.get(way.to.host);
    const near: End = { life, handler, lastMs: 0 };
    if (served === undefined) {
      this.#later(near, () => near.handler?.closed("connection refused"));
      return SILENT;
    }
    const far: End = { life: served.life, handler: undefined, lastMs: 0 };
    this.#carry({ from: near, to: far }, () => {
      far.handler = served.gossip?.stream(
        way.from,
        this.#sender({ from: far, to: near }),
      );
      if (far.handler !== undefined) return;
      this.#later(near, () => near.handler?.closed("connection refused"));
    });
    return this.#sender({ from: near, to: far });
  }

  #sender(way: { from: End; to: End }): GossipStream {
    return {
      write: (bytes) => this.#carry(way, () => way.to.handler?.data(bytes)),
      end: () => this.#carry(way, () => way.to.handler?.closed("closed")),
    };
  }

  /** In order, as a connection does; a cut that it meets ends it in silence. */
  #carry(way: { from: End; to: End }, arrive: () => void): void {
    const link = { from: way.from.life.machine, to: way.to.life.machine };
    const { network } = this.#parts;
    this.#later(way.to, () => {
      if (network.isOpen(link)) arrive();
      else way.to.life = GONE;
    });
  }

  #later(end: End, arrive: () => void): void {
    const { events, random } = this.#parts;
    const delayMs = 1 + random.below(STREAM_DELAY_MAX_MS);
    end.lastMs = Math.max(end.lastMs, events.nowMs + delayMs);
    events.after(end.lastMs - events.nowMs, () => end.life.run(arrive));
  }
}

/** One end of a connection. */
interface End {
  life: Life;
  handler: StreamHandler | undefined;
  /** When what was sent to it last arrives. */
  lastMs: number;
}

const SILENT: GossipStream = { write() {}, end() {} };
const GONE: Life = { machine: "", address: "", run() {} };
