/**
 * A network that loses, delays, duplicates, reorders and splits. Knows names
 * only, and not what it carries.
 */
import type { EventQueue } from "./event_queue.ts";
import type { SeededRandom } from "./random.ts";
import type { Coverage } from "./coverage.ts";

export interface NetworkFaults {
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly delayMaxMs: number;
}

/** Held back so long that later messages overtake it. */
const REORDER_DELAY_MAX_MS = 400;

type Deliver<Load> = (to: string, load: Load) => void;

export class Network<Load = Uint8Array> {
  readonly #events: EventQueue;
  readonly #random: SeededRandom;
  readonly #coverage: Pick<Coverage, "saw">;
  readonly #deliver: Deliver<Load>;
  readonly #cuts = new Set<string>();
  readonly #muted = new Set<string>();
  #faults: NetworkFaults;

  constructor(options: {
    events: EventQueue;
    random: SeededRandom;
    coverage: Pick<Coverage, "saw">;
    faults: NetworkFaults;
    deliver: Deliver<Load>;
  }) {
    this.#events = options.events;
    this.#random = options.random;
    this.#coverage = options.coverage;
    this.#faults = options.faults;
    this.#deliver = options.deliver;
  }

  send(link: { from: string; to: string }, load: Load): void {
    if (this.#muted.has(link.from)) return this.#coverage.saw("mute");
    if (this.#isCut(link)) return this.#coverage.saw("cut");
    if (this.#random.chance(this.#faults.loss)) {
      return this.#coverage.saw("loss");
    }
    this.#travel(link, load);
    if (this.#random.chance(this.#faults.duplication)) {
      this.#coverage.saw("duplication");
      this.#travel(link, load);
    }
  }

  /** Cuts the links from one side to the other, and back unless one-way. */
  split(
    cut: {
      from: readonly string[];
      to: readonly string[];
      ways: "one" | "both";
    },
  ): void {
    for (const from of cut.from) {
      for (const to of cut.to) {
        this.#cuts.add(`${from}>${to}`);
        if (cut.ways === "both") this.#cuts.add(`${to}>${from}`);
      }
    }
  }

  /** Whether what is sent now has a way at all. */
  isOpen(link: { from: string; to: string }): boolean {
    return !this.#muted.has(link.from) && !this.#isCut(link);
  }

  /** Loses all that a node sends. */
  mute(name: string): void {
    this.#muted.add(name);
  }

  unmute(name: string): void {
    this.#muted.delete(name);
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** From here on the network is good. */
  calm(): void {
    this.heal();
    this.#muted.clear();
    this.#faults = { loss: 0, duplication: 0, reordering: 0, delayMaxMs: 2 };
  }

  #travel(link: { from: string; to: string }, load: Load): void {
    const isHeld = this.#random.chance(this.#faults.reordering);
    if (isHeld) this.#coverage.saw("reordering");
    const delayMaxMs = isHeld ? REORDER_DELAY_MAX_MS : this.#faults.delayMaxMs;
    const delayMs = this.#random.between({ from: 0, to: delayMaxMs });
    this.#events.after(delayMs, () => {
      if (!this.#isCut(link)) this.#deliver(link.to, load);
    });
  }

  #isCut(link: { from: string; to: string }): boolean {
    return this.#cuts.has(`${link.from}>${link.to}`);
  }
}
