/**
 * The machines of clients in a run of whole nodes: programs at work during the
 * storm, and after it all of them must come to an end in bounded time.
 */
import { fail } from "../checker.ts";
import { SeededRandom } from "../random.ts";
import { ClientMachine } from "./client_machine.ts";
import type { NodeWorld } from "./node_world.ts";
import { step } from "./step.ts";
import {
  FollowingProgram,
  produceSingly,
  ProducingProgram,
  readFreshly,
  readOnce,
} from "./programs.ts";

const PRODUCER_COUNT = 2;
const FOLLOWER_COUNT = 2;
/** Requests of each producer once all is well. */
const LAST_REQUEST_COUNT = 3;
/** In which clients are done once nodes are one cluster in calm weather. */
const FINISH_MAX_MS = 30_000;
const CLOSE_MAX_MS = 5_000;

export class ClientWorld {
  readonly #world: NodeWorld;
  readonly #producers: ProducingProgram[] = [];
  readonly #followers: FollowingProgram[] = [];
  readonly #machines: ClientMachine[] = [];

  constructor(world: NodeWorld, seed: number) {
    this.#world = world;
    const random = new SeededRandom(seed ^ 0xc11e27);
    for (let n = 1; n <= Math.max(PRODUCER_COUNT, FOLLOWER_COUNT); n++) {
      const name = `client${n}`;
      world.clients.push(name);
      this.#machines.push(new ClientMachine(world, name, random.fork()));
    }
  }

  start(): void {
    for (const [n, machine] of this.#machines.entries()) {
      if (n < PRODUCER_COUNT) {
        const producer = new ProducingProgram(machine);
        this.#producers.push(producer);
        machine.run(() => producer.run());
      }
      if (n < FOLLOWER_COUNT) {
        const follower = new FollowingProgram(machine);
        this.#followers.push(follower);
        machine.run(() => follower.run());
      }
      if (n === 0) machine.run(() => produceSingly(machine));
      else machine.run(() => readFreshly(machine));
    }
  }

  /** All is well: what is open ends, and what is new is done in time. */
  async finish(): Promise<void> {
    const world = this.#world;
    const fromMs = world.events.nowMs;
    for (const producer of this.#producers) {
      for (let n = 0; n < LAST_REQUEST_COUNT; n++) producer.send();
    }
    let readCount = 0;
    for (const machine of this.#machines) {
      machine.run(() => readOnce(machine).then(() => void (readCount += 1)));
    }
    const isDone = () => readCount === this.#machines.length && !this.#whyNot();
    await this.#until(isDone, fromMs + FINISH_MAX_MS);
    if (!isDone()) {
      fail(`Clients: ${this.#whyNot() ?? "a read"} is not done`);
    }
    world.note(`clients are done after ${world.events.nowMs - fromMs} ms`);
    for (const follower of this.#followers) follower.stop();
    let closedCount = 0;
    for (const machine of this.#machines) {
      machine.run(() => machine.client.close().then(() => void closedCount++));
    }
    const isClosed = () => closedCount === this.#machines.length;
    await this.#until(isClosed, world.events.nowMs + CLOSE_MAX_MS);
    if (!isClosed()) fail("Clients: one does not close");
  }

  #whyNot(): string | undefined {
    const open = this.#producers.findIndex(({ isQuiet }) => !isQuiet);
    if (open >= 0) return `producer ${open + 1}`;
    const end = this.#world.truth.knownEnd;
    const late = this.#followers.findIndex((it) => it.nextOffset < end);
    return late < 0 ? undefined : `follower ${late + 1}`;
  }

  async #until(isDone: () => boolean, endMs: number): Promise<void> {
    const world = this.#world;
    while (!isDone() && await step(world, endMs)) {
      if (world.violation !== undefined) throw world.violation;
    }
  }
}
