/**
 * Random schedules over three to five nodes, without any clock behind them: any
 * message may be delivered, lost or doubled at any time, any node may time out,
 * sync late or crash. After every step the invariants of the paper's figure 3
 * must hold (tests/sim/checker.ts). Failures print fast-check's seed and path.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { logIndex } from "../../../core/ids.ts";
import type { Message } from "../../../core/raft/messages.ts";
import { Checker } from "../../sim/checker.ts";
import { SeededRandom } from "../../sim/random.ts";
import { MemoryNode } from "./support/memory_node.ts";

const STEPS_MAX = 1_500;
const RUNS = 400;
/** How many messages one may overtake. */
const REORDER_MAX = 6;

type Step =
  | { readonly kind: "deliver" | "lose" | "double"; readonly which: number }
  | {
    readonly kind: "time_out" | "crash" | "sync" | "propose" | "trim";
    readonly which: number;
  }
  | { readonly kind: "change"; readonly which: number; readonly other: number };

const weights: readonly (readonly [Step["kind"], number])[] = [
  ["deliver", 100],
  ["lose", 1],
  ["double", 2],
  ["time_out", 2],
  ["sync", 60],
  ["propose", 8],
  ["crash", 1],
  ["trim", 1],
  ["change", 1],
];

const steps = fc.array(
  fc.oneof(...weights.map(([kind, weight]) => ({
    weight,
    arbitrary: fc.record({
      kind: fc.constant(kind),
      which: fc.nat({ max: 1_000 }),
      other: fc.nat({ max: 1_000 }),
    }) as fc.Arbitrary<Step>,
  }))),
  { minLength: 700, maxLength: STEPS_MAX, size: "max" },
);

Deno.test("Raft keeps its invariants under random schedules", () => {
  const sizes = fc.constantFrom(3, 4, 5);
  let committedCount = 0;
  fc.assert(
    fc.property(sizes, steps, fc.nat(), (size, schedule, seed) => {
      const world = new ScheduleWorld(size, seed);
      for (const step of schedule) world.run(step);
      committedCount += world.committedCount;
    }),
    { numRuns: RUNS },
  );
  assert.ok(committedCount > 5 * RUNS, `only ${committedCount} committed`);
});

class ScheduleWorld {
  readonly #nodes: MemoryNode[];
  readonly #checker = new Checker();
  #mail: Message[] = [];
  #nowMs = 0;
  #valueCount = 0;

  constructor(size: number, seed: number) {
    const ids = [..."abcde"].slice(0, size);
    const random = new SeededRandom(seed);
    const config = { appendEntriesMax: 2, snapshotChunkBytesMax: 4 };
    this.#nodes = ids.map((id) =>
      new MemoryNode({ id, random: random.fork(), nowMs: 0, config }, ids)
    );
  }

  get committedCount(): number {
    return this.#checker.committedIndex;
  }

  run(step: Step): void {
    const node = this.#nodes[step.which % this.#nodes.length];
    if (node === undefined) return;
    switch (step.kind) {
      case "deliver":
        return this.#deliver(this.#take(step.which));
      case "lose":
        this.#take(step.which);
        return;
      case "double": {
        const message = this.#mail[step.which % this.#mail.length];
        if (message) this.#mail.push(message);
        return;
      }
      case "time_out":
        this.#nowMs = Math.max(this.#nowMs, node.raft.nextDeadlineMs);
        node.raft.tick(this.#nowMs);
        return this.#workOff(node);
      case "sync":
        if (!node.needsSync) return;
        this.#post(node, node.finishSync(node.startSync(), this.#nowMs));
        return this.#workOff(node);
      case "propose":
        node.raft.propose({ text: `v${++this.#valueCount}`, sizeBytes: 9 });
        return this.#workOff(node);
      case "crash":
        return node.restart(this.#nowMs);
      case "trim":
        return trim(node);
      case "change":
        return this.#change(node, step.other);
    }
  }

  #change(node: MemoryNode, other: number): void {
    const id = this.#nodes[other % this.#nodes.length]?.id ?? "";
    const isMember = node.raft.configuration.members.some((it) => it.id === id);
    node.raft.proposeConfigurationChange(
      isMember
        ? { kind: "remove", id }
        : { kind: "add_learner", member: { id, name: id, address: id } },
    );
    this.#workOff(node);
  }

  #take(which: number): Message | undefined {
    if (this.#mail.length === 0) return undefined;
    const position = which % Math.min(this.#mail.length, REORDER_MAX);
    return this.#mail.splice(position, 1)[0];
  }

  #deliver(message: Message | undefined): void {
    const node = this.#nodes.find(({ id }) => id === message?.to);
    if (node === undefined || message === undefined) return;
    node.raft.step(message, this.#nowMs);
    this.#workOff(node);
  }

  #workOff(node: MemoryNode): void {
    for (;;) {
      const before = node.committedIndex;
      const taken = node.takeReady(this.#nowMs);
      if (taken === undefined) return;
      this.#checker.decided(node, taken.ready, before);
      this.#post(node, taken.messages);
    }
  }

  #post(node: MemoryNode, messages: readonly Message[]): void {
    for (const message of messages) this.#checker.sent(node, message);
    this.#mail.push(...messages);
  }
}

function trim(node: MemoryNode): void {
  const { commitIndex, durableIndex } = node.raft.status;
  const last = Math.min(commitIndex, durableIndex);
  if (last > node.log.start.index) node.compact(logIndex(last));
}
