/**
 * Links between peers in the simulator, in place of sockets: the same hello, the
 * same refusals, and "down" when nobody is at an address.
 */
import { refusalOf } from "../../../net/transport/peer/hello.ts";
import type { Links } from "../../../net/agent/cluster_part.ts";
import type { PeerLinksOptions } from "../../../net/transport/peer/peer_links.ts";
import { concatBytes } from "../../../core/bytes.ts";
import { fail } from "../checker.ts";
import type { Life, Wire } from "./wire.ts";

interface Greeting {
  readonly clusterId: string;
  readonly from: string;
  readonly to: string;
}

export class SimLinks implements Links {
  readonly #options: PeerLinksOptions;
  readonly #wire: Wire;
  readonly #life: Life;
  readonly #onRefused: (reason: string) => void;
  readonly #down = new Set<string>();
  #peers: ReadonlyMap<string, string> = new Map();
  #isStopped = false;

  constructor(
    options: PeerLinksOptions,
    place: {
      readonly wire: Wire;
      readonly life: Life;
      readonly onRefused: (reason: string) => void;
    },
  ) {
    this.#options = options;
    this.#wire = place.wire;
    this.#life = place.life;
    this.#onRefused = place.onRefused;
    place.wire.serveLinks(place.life, this);
  }

  /** There is no listener to serve. */
  readonly handler = (): never => fail("There are no sockets here");

  setPeers(peers: ReadonlyMap<string, string>): void {
    this.#peers = peers;
  }

  send(to: string, pieces: readonly Uint8Array[]): "queued" | "dropped" {
    const address = this.#peers.get(to);
    if (address === undefined || this.#isStopped) return "dropped";
    const { self } = this.#options;
    const hello = { clusterId: self.clusterId(), from: self.id, to };
    const bytes = concatBytes(pieces);
    const [host] = address.split(":");
    const outcome = this.#wire.message(
      this.#life,
      host ?? "",
      (links) => links.#accept(hello, bytes),
    );
    this.#note(to, outcome);
    return outcome === "sent" ? "queued" : "dropped";
  }

  stop(): void {
    this.#isStopped = true;
  }

  #note(to: string, outcome: "sent" | "refused"): void {
    if (outcome === "sent") this.#down.delete(to);
    if (outcome === "sent" || this.#down.has(to)) return;
    this.#down.add(to);
    this.#options.scheduler.after(1, () => {
      if (!this.#isStopped) this.#options.onLinkState(to, "down");
    });
  }

  #accept(greeting: Greeting, bytes: Uint8Array): void {
    if (this.#isStopped) return;
    const hello = { ...greeting, lane: "control" } as const;
    const refusal = refusalOf(hello, this.#options.self);
    if (refusal !== undefined) return this.#onRefused(refusal);
    this.#options.onMessage(greeting.from, bytes);
  }
}
