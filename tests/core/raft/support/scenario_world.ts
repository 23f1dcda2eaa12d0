/**
 * A few Raft nodes, one clock and a mail queue, driven by the commands of a
 * scenario file (docs/raft.md lists them). Nothing happens that no command asks
 * for: time stands still, and messages lie in the queue until they are delivered.
 */
import { logIndex } from "../../../../core/ids.ts";
import type { RaftConfig } from "../../../../core/raft/config.ts";
import type { Message } from "../../../../core/raft/messages.ts";
import { SeededRandom } from "../../../sim/random.ts";
import { MemoryNode } from "./memory_node.ts";
import { renderEvent, renderMessage, renderPersist } from "./render.ts";

const DELIVERIES_MAX = 1_000;

export interface Filter {
  readonly from?: string;
  readonly to?: string;
  readonly kind?: string;
  readonly count?: string;
}

export class ScenarioWorld {
  readonly nodes = new Map<string, MemoryNode>();
  /** The times in the scenarios count on it. */
  readonly config: Partial<RaftConfig> = { heartbeatIntervalMs: 100 };
  /** Nodes whose writes become durable only by `sync`. */
  readonly slowDisks = new Set<string>();
  readonly #random = new SeededRandom(1);
  readonly #down = new Set<string>();
  readonly #cuts = new Set<string>();
  #queue: Message[] = [];
  #nowMs = 0;
  #isMailTold = true;
  #output: string[] = [];

  get queue(): readonly Message[] {
    return this.#queue;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** What was traced since the last call. */
  takeOutput(): string[] {
    return this.#output.splice(0);
  }

  say(line: string): void {
    this.#output.push(line);
  }

  add(id: string, founders: readonly string[]): void {
    const random = this.#random.fork();
    const options = { id, random, nowMs: this.#nowMs, config: this.config };
    this.nodes.set(id, new MemoryNode(options, founders));
  }

  node(id: string): MemoryNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`No node ${id}`);
    return node;
  }

  /** Moves the clock on and ticks the nodes that are up. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    while (this.#nowMs < endMs) {
      this.#nowMs = Math.min(endMs, this.#nowMs + 10);
      for (const node of this.nodes.values()) this.tick(node);
    }
  }

  /** Moves the clock on and delivers all mail at once; tells only events. */
  run(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    this.#isMailTold = false;
    while (this.#nowMs < endMs) {
      this.advance(Math.min(10, endMs - this.#nowMs));
      this.deliver({});
    }
    this.#isMailTold = true;
  }

  /** Moves the clock to what `node` waits for, and ticks only that node. */
  wake(node: MemoryNode): void {
    this.#nowMs = Math.max(this.#nowMs, node.raft.nextDeadlineMs);
    this.tick(node);
  }

  tick(node: MemoryNode): void {
    if (this.#down.has(node.id)) return;
    node.raft.tick(this.#nowMs);
    this.settle(node);
  }

  /** Works off what a node has to do, and syncs unless its disk is slow. */
  settle(node: MemoryNode): void {
    for (;;) {
      const taken = node.takeReady(this.#nowMs);
      if (taken === undefined) break;
      const { persist, events, readStates } = taken.ready;
      const write = persist && renderPersist(persist);
      if (write) this.say(`${node.id} ${write}`);
      for (const event of events) this.say(`${node.id} ${renderEvent(event)}`);
      for (const read of readStates) {
        const answer = read.ok ? `at ${read.index}` : `fails: ${read.reason}`;
        this.say(`${node.id} read ${read.context} ${answer}`);
      }
      this.#post(taken.messages);
    }
    if (node.needsSync && !this.slowDisks.has(node.id)) this.sync(node);
  }

  sync(node: MemoryNode): void {
    this.#post(node.finishSync(node.startSync(), this.#nowMs));
    this.settle(node);
  }

  /** Delivers what matches until nothing does, or `count` messages. */
  deliver(filter: Filter): void {
    const max = filter.count === undefined
      ? DELIVERIES_MAX
      : Number(filter.count);
    for (let done = 0; done < max; done++) {
      const position = this.#queue.findIndex((message) =>
        matches(message, filter)
      );
      const [message] = position === -1 ? [] : this.#queue.splice(position, 1);
      if (message === undefined) return;
      const node = this.nodes.get(message.to);
      if (node === undefined || this.#down.has(message.to)) continue;
      if (this.#isMailTold) this.say(renderMessage(message));
      node.raft.step(message, this.#nowMs);
      this.settle(node);
    }
    if (filter.count === undefined) throw new Error("Messages never end");
  }

  drop(filter: Filter): number {
    const kept = this.#queue.filter((message) => !matches(message, filter));
    const dropped = this.#queue.length - kept.length;
    this.#queue = kept;
    return dropped;
  }

  /** Puts a second copy of what matches at the end of the queue. */
  duplicate(filter: Filter): void {
    const copies = this.#queue.filter((message) => matches(message, filter));
    this.#queue.push(...copies);
  }

  inject(message: Message): void {
    this.#queue.push(message);
  }

  /** Loses what `from` sends to `to` from now on. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from}->${to}`);
  }

  heal(): void {
    this.#cuts.clear();
  }

  crash(id: string): void {
    this.#down.add(id);
    this.node(id).log.crash();
  }

  restart(id: string): void {
    this.#down.delete(id);
    this.node(id).restart(this.#nowMs);
  }

  compact(id: string, index: number): void {
    this.node(id).compact(logIndex(index));
  }

  #post(messages: readonly Message[]): void {
    for (const message of messages) {
      const isCut = this.#cuts.has(`${message.from}->${message.to}`);
      if (!isCut) this.#queue.push(message);
    }
  }
}

function matches(message: Message, filter: Filter): boolean {
  return (filter.from === undefined || filter.from === message.from) &&
    (filter.to === undefined || filter.to === message.to) &&
    (filter.kind === undefined || filter.kind === message.kind);
}
