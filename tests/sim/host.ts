/**
 * A machine of the simulated world: its clock, its power switch and its place in
 * the network. What runs on it is a `Process`, which knows none of this; a crash
 * throws the process away and nothing it had planned happens.
 */
import type { EventQueue } from "./event_queue.ts";
import type { SeededRandom } from "./random.ts";

/** What a machine gives to the process on it. */
export interface Machine {
  readonly name: string;
  readonly random: SeededRandom;
  /** The machine's own clock; never goes back. */
  nowMs(): number;
  /** Runs once after a delay of the machine's clock, unless it crashes before. */
  after(delayMs: number, callback: () => void): void;
  send(to: string, bytes: Uint8Array): void;
}

/** What runs on a machine, between a start and a crash. */
export interface Process {
  receive(bytes: Uint8Array): void;
  /** Does what is due by time. */
  wake(): void;
  /** When it wants to be woken, on the machine's clock. */
  readonly nextWakeMs: number;
}

export interface HostOptions {
  readonly name: string;
  readonly events: EventQueue;
  readonly random: SeededRandom;
  /** 1 is right; 1.01 gains ten milliseconds in a second. */
  readonly clockRate: number;
  readonly send: (to: string, bytes: Uint8Array) => void;
  /** Starts the process on what is left on the machine's disk. */
  readonly boot: (machine: Machine) => Process;
  /** The power fails. */
  readonly powerLoss: () => void;
}

const WAKE_MIN_MS = 1;

export class Host {
  readonly name: string;
  readonly #options: HostOptions;
  #process: Process | undefined;
  /** Counts starts: what an earlier life had planned does not happen. */
  #life = 0;
  #wakeAtMs = Infinity;
  #isScrapped = false;
  #held: (() => void)[] | undefined;

  constructor(options: HostOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#process !== undefined;
  }

  get isPaused(): boolean {
    return this.#held !== undefined;
  }

  start(): void {
    if (this.isUp || this.#isScrapped) return;
    this.#life++;
    this.#process = this.#options.boot(this.#machine());
    this.#wakeAtMs = Infinity;
    this.#planWake();
  }

  crash(): void {
    if (!this.isUp) return;
    this.#life++;
    this.#process = undefined;
    this.#held = undefined;
    this.#options.powerLoss();
  }

  /** Crashes for good. */
  scrap(): void {
    this.crash();
    this.#isScrapped = true;
  }

  /** Stops the process as SIGSTOP does; the clock goes on. */
  pause(): void {
    if (this.isUp) this.#held ??= [];
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const work of held) this.run(work);
  }

  receive(bytes: Uint8Array): void {
    this.run(() => this.#process?.receive(bytes));
  }

  /** Runs work on the machine: now, or when it is no longer paused. */
  run(work: () => void): void {
    if (!this.isUp) return;
    if (this.#held) {
      this.#held.push(work);
      return;
    }
    work();
    this.#planWake();
  }

  /** Called by the world after it called the process directly. */
  planWake(): void {
    this.#planWake();
  }

  #planWake(): void {
    if (this.#process === undefined) return;
    const { nextWakeMs } = this.#process;
    if (nextWakeMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = nextWakeMs;
    const machine = this.#machine();
    const delayMs = Math.max(WAKE_MIN_MS, nextWakeMs - machine.nowMs());
    machine.after(delayMs, () => {
      this.#wakeAtMs = Infinity;
      this.#process?.wake();
    });
  }

  #machine(): Machine {
    const { name, events, random, clockRate, send } = this.#options;
    const life = this.#life;
    return {
      name,
      random,
      nowMs: () => Math.floor(events.nowMs * clockRate),
      after: (delayMs, callback) => {
        events.after(delayMs / clockRate, () => {
          if (life === this.#life) this.run(callback);
        });
      },
      send,
    };
  }
}
