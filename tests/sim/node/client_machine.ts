/**
 * A machine with a program on it that uses the production client: it dials nodes
 * over the simulated network, by the names of all machines, and judges what the
 * client tells it. What a client may not do: fail while a majority was in reach.
 */
import type { SeededRandom } from "../random.ts";
import { isProglogError } from "../../../core/errors.ts";
import { ProglogClient } from "../../../net/client/client.ts";
import { CLIENT_PUMP_LIMITS } from "../../../net/transport/socket_pump.ts";
import { fail } from "../checker.ts";
import type { NodeWorld } from "./node_world.ts";
import { ReachWatch } from "./reach_watch.ts";
import { dialOver } from "./sim_rpc.ts";
import type { Life } from "./wire.ts";

/** As the command line and `net/client/connect.ts` have them. */
const TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3_000;
const PUMP_LIMITS = {
  ...CLIENT_PUMP_LIMITS,
  keepaliveIntervalMs: 5_000,
  keepaliveTimeoutMs: 10_000,
};
const RPC_PORT = 8400;

export class ClientMachine {
  readonly name: string;
  readonly world: NodeWorld;
  readonly random: SeededRandom;
  readonly client: ProglogClient;
  readonly #watch: ReachWatch;
  readonly #life: Life;

  constructor(world: NodeWorld, name: string, random: SeededRandom) {
    this.name = name;
    this.world = world;
    this.random = random;
    this.#life = { machine: name, address: name, run: (work) => work() };
    world.tcp.plugIn(this.#life);
    this.#watch = new ReachWatch(world, name);
    this.client = new ProglogClient({
      ...this.#clock(),
      addresses: this.#seeds(),
      dial: (address) => this.#dial(address),
      random: random.fork(),
      timeoutMs: TIMEOUT_MS,
    });
  }

  get nowMs(): number {
    return this.world.events.nowMs;
  }

  pause(maxMs: number): Promise<void> {
    const delayMs = this.random.between({ from: 1, to: maxMs });
    return new Promise((resolve) => this.world.events.after(delayMs, resolve));
  }

  /** Runs until the world ends; what it throws is a finding. */
  run(program: () => Promise<void>): Promise<void> {
    return program().catch((error) => this.world.broke(error));
  }

  note(text: string): void {
    this.world.note(`${this.name} ${text}`);
  }

  /**
   * A verb that began at `sinceMs` has failed: that is a finding where a
   * majority was in reach all the time, and for a whole timeout.
   */
  failed(verb: string, sinceMs: number, error: unknown): void {
    if (!isProglogError(error)) throw error;
    const { code, message } = error;
    this.note(`${verb} failed after ${this.nowMs - sinceMs} ms: ${message}`);
    this.world.saw(`client_${verb}_${code}`);
    const fromMs = Math.min(sinceMs, this.nowMs - TIMEOUT_MS);
    if (!this.#watch.hadMajoritySince(fromMs)) return;
    fail(`Client: ${this.name} cannot ${verb} with a majority: ${message}`);
  }

  hadMajoritySince(sinceMs: number): boolean {
    return this.#watch.hadMajoritySince(sinceMs);
  }

  #clock() {
    const { events } = this.world;
    const nowMs = () => Math.floor(events.nowMs);
    return {
      clock: { wallMs: nowMs, monotonicMs: nowMs },
      scheduler: {
        after: (delayMs: number, callback: () => void) => {
          let isCancelled = false;
          events.after(delayMs, () => {
            if (!isCancelled) callback();
          });
          return () => void (isCancelled = true);
        },
      },
    };
  }

  /** All machines, from another one on for each client. */
  #seeds(): string[] {
    const names = [...this.world.nodes.keys()];
    const first = this.random.below(names.length);
    return [...names.slice(first), ...names.slice(0, first)]
      .map((name) => `${name}:${RPC_PORT}`);
  }

  #dial(address: string) {
    const [host = "", port] = address.split(":");
    this.note(`dials ${address}`);
    return dialOver(this.world.tcp, {
      host: this.#clock(),
      life: this.#life,
      address: `${this.world.resolve(host) ?? host}:${port}`,
      identity: { ok: true, subject: "root", role: "client" },
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      pumpLimits: PUMP_LIMITS,
    });
  }
}
