/**
 * The simulated cluster: hosts, network and clock wired together, every decision
 * of every node shown to the checker, the trace and the coverage count.
 */
import type { RaftFaults } from "../../core/raft/faults.ts";
import type { Message } from "../../core/raft/messages.ts";
import {
  MemoryNode,
  type NodeReady,
} from "../core/raft/support/memory_node.ts";
import {
  renderEvent,
  renderMessage,
  renderPersist,
} from "../core/raft/support/render.ts";
import { Checker, type Rules } from "./checker.ts";
import { Coverage } from "./coverage.ts";
import { watch } from "./coverage_watch.ts";
import { EventQueue } from "./event_queue.ts";
import { Host, type HostOptions, type Machine } from "./host.ts";
import { Network } from "./network.ts";
import type { SimOptions } from "./options.ts";
import { SeededRandom } from "./random.ts";
import { type Drive, type Observer, RaftProcess } from "./raft_process.ts";
import type { Trace } from "./trace.ts";
import type { Workload } from "./workload.ts";

/** Scaled down, so that a run of seconds holds many elections. */
export const SIM_RAFT_CONFIG = {
  electionTimeoutMs: 200,
  heartbeatIntervalMs: 40,
  clockDriftMaxMs: 50,
  diskStallMaxMs: 500,
  appendBytesMax: 600,
  inflightBytesMax: 3_000,
  inflightAppendsMax: 8,
  uncommittedBytesMax: 5_000,
  snapshotChunkBytesMax: 8,
};

/** Under which name a node comes back whose disk was lost. */
export type WipedIdentity = "new" | "kept";

export interface SimNode {
  readonly host: Host;
  readonly node: MemoryNode;
  readonly drive: Drive;
  process: RaftProcess | undefined;
  /** What it had committed at its last Ready. */
  committedIndex: number;
}

export class Cluster implements Observer {
  readonly events = new EventQueue();
  readonly checker: Checker;
  readonly coverage = new Coverage();
  readonly nodes = new Map<string, SimNode>();
  readonly network: Network;
  readonly random: SeededRandom;
  /** While anything may break and clients are at work. */
  isStormy = true;
  workload: Workload | undefined;
  /** The nemesis strikes at moments that matter. */
  afterDecision:
    | ((node: SimNode, ready: NodeReady, committedBefore: number) => void)
    | undefined;
  readonly #trace: Trace;
  readonly #faults: RaftFaults;
  readonly #options: SimOptions;

  constructor(
    setup: {
      options: SimOptions;
      trace: Trace;
      faults: RaftFaults;
      rules?: Rules;
    },
  ) {
    const { options } = setup;
    this.checker = new Checker(setup.rules);
    this.#trace = setup.trace;
    this.#faults = setup.faults;
    this.#options = options;
    // The options were drawn from the seed itself: do not replay those numbers.
    this.random = new SeededRandom(options.seed ^ 0x5eed5eed);
    this.network = new Network({
      events: this.events,
      random: this.random.fork(),
      coverage: this.coverage,
      faults: options,
      deliver: (to, bytes) => this.nodes.get(to)?.host.receive(bytes),
    });
    const names = [..."abcdefgh"];
    const founders = names.slice(0, options.voterCount);
    const spares = names.slice(founders.length).slice(0, options.spareCount);
    for (const id of founders) this.#add(id, founders);
    for (const id of spares) this.#add(id, []);
  }

  /** Calls into a running node and works off what follows; false if it is down. */
  call(id: string, work: (node: MemoryNode) => void): boolean {
    const simNode = this.nodes.get(id);
    const { host, node, process } = simNode ?? {};
    if (!host?.isUp || host.isPaused || !node || !process) return false;
    work(node);
    process.workOff();
    host.planWake();
    return true;
  }

  note(text: string): void {
    const { nowMs, ordinal } = this.events;
    this.#trace.add(() => `${nowMs.toFixed(3)} #${ordinal} ${text}`);
  }

  decided(node: MemoryNode, ready: NodeReady): void {
    const simNode = this.nodes.get(node.id);
    if (simNode === undefined) return;
    const write = ready.persist && renderPersist(ready.persist);
    if (write) this.note(`${node.id} ${write}`);
    for (const event of ready.events) {
      this.note(`${node.id} ${renderEvent(event)}`);
    }
    watch(this.coverage, { node, ready });
    const before = simNode.committedIndex;
    simNode.committedIndex = node.committedIndex;
    this.checker.decided(node, ready, before);
    this.workload?.settle(node);
    this.afterDecision?.(simNode, ready, before);
  }

  sent(node: MemoryNode, message: Message): void {
    this.checker.sent(node, message);
  }

  received(_node: MemoryNode, message: Message): void {
    if (this.#trace.isOn) this.note(renderMessage(message));
  }

  /**
   * The machine's disk is gone; it starts anew as a node that nobody knows, or,
   * as a planted bug, under the identity that it had.
   */
  wipe(id: string, identity: WipedIdentity): string {
    this.nodes.get(id)?.host.scrap();
    this.nodes.delete(id);
    const newId = identity === "new" ? `${id}2` : id;
    this.#add(newId, []).host.start();
    return newId;
  }

  #add(id: string, founders: readonly string[]): SimNode {
    const random = this.random.fork();
    const { appendEntriesMax, syncMaxMs, batching } = this.#options;
    const node = new MemoryNode({
      id,
      random,
      nowMs: 0,
      config: { ...SIM_RAFT_CONFIG, appendEntriesMax },
      faults: this.#faults,
    }, founders);
    const drive = { syncMaxMs, batching };
    const host = this.#makeHost(id, random, {
      boot: (machine) => this.#boot(simNode, machine),
      powerLoss: () => this.#powerLoss(simNode, random),
    });
    const simNode: SimNode = {
      host,
      node,
      drive,
      process: undefined,
      committedIndex: 0,
    };
    this.nodes.set(id, simNode);
    return simNode;
  }

  #makeHost(
    name: string,
    random: SeededRandom,
    hooks: Pick<HostOptions, "boot" | "powerLoss">,
  ): Host {
    const skew = this.#options.clockSkew * (random.below(2_001) / 1_000 - 1);
    return new Host({
      name,
      events: this.events,
      random,
      clockRate: 1 + skew,
      send: (to, bytes) => this.network.send({ from: name, to }, bytes),
      ...hooks,
    });
  }

  #boot(simNode: SimNode, machine: Machine): RaftProcess {
    const { node, drive } = simNode;
    node.restart(machine.nowMs());
    simNode.committedIndex = node.committedIndex;
    const process = new RaftProcess({ machine, node, observer: this, drive });
    simNode.process = process;
    return process;
  }

  #powerLoss(simNode: SimNode, random: SeededRandom): void {
    const { node } = simNode;
    if (node.needsSync) this.coverage.saw("lost_unsynced");
    node.log.crash((count) => random.below(count + 1));
    simNode.process = undefined;
    this.workload?.forget(node.id);
  }
}
