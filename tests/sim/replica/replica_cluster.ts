/**
 * Machines, network and disks with production replicas on them, and who watches.
 */
import type { Outgoing } from "../../../core/raft/messages.ts";
import type { RaftEvent } from "../../../core/raft/ready.ts";
import type { Founder } from "../../../net/runtime/replica/types.ts";
import { renderEvent } from "../../core/raft/support/render.ts";
import { ElectionChecker } from "../election_checker.ts";
import { EventQueue } from "../event_queue.ts";
import { Host } from "../host.ts";
import { Network } from "../network.ts";
import type { SimOptions } from "../options.ts";
import { SeededRandom } from "../random.ts";
import type { Trace } from "../trace.ts";
import {
  type NodeWatcher,
  type PlantedFaults,
  ReplicaNode,
} from "./replica_node.ts";
import { Truth } from "./truth.ts";

export class ReplicaCluster implements NodeWatcher {
  readonly events = new EventQueue();
  readonly truth = new Truth();
  readonly nodes = new Map<string, ReplicaNode>();
  readonly hosts = new Map<string, Host>();
  readonly network: Network;
  readonly random: SeededRandom;
  readonly sights = new Map<string, number>();
  /** While anything may break and clients are at work. */
  isStormy = true;
  /** The first breach of an invariant. */
  violation: Error | undefined;
  /** The nemesis strikes at moments that matter. */
  onEvent: ((node: ReplicaNode, event: RaftEvent) => void) | undefined;
  onVote: ((node: ReplicaNode) => void) | undefined;
  /** True when damage was to be expected of the node, and is dealt with. */
  onCorrupt: ((node: ReplicaNode, cause: unknown) => boolean) | undefined;
  readonly #elections = new ElectionChecker();
  readonly #trace: Trace;
  readonly #options: SimOptions;
  readonly #faults: PlantedFaults;
  readonly #rhythm: SeededRandom;

  constructor(setup: {
    readonly options: SimOptions;
    readonly trace: Trace;
    readonly faults: PlantedFaults;
  }) {
    const { options } = setup;
    this.#options = options;
    this.#trace = setup.trace;
    this.#faults = setup.faults;
    this.random = new SeededRandom(options.seed ^ 0x7e511ca);
    this.#rhythm = this.random.fork();
    this.network = new Network({
      events: this.events,
      random: this.random.fork(),
      coverage: this,
      faults: options,
      deliver: (to, bytes) => this.hosts.get(to)?.receive(bytes),
    });
    const names = [..."abcdefgh"];
    const founders = names.slice(0, options.voterCount);
    const spares = names.slice(founders.length).slice(0, options.spareCount);
    const members = founders.map(memberOf);
    for (const id of founders) this.#add(id, members);
    for (const id of spares) this.#add(id, []);
  }

  /** A node that is up and opened; mostly the leader. */
  pickServer(random: SeededRandom): ReplicaNode | undefined {
    const up = [...this.nodes.values()].filter((it) => this.isReachable(it));
    const leaders = up.filter(({ replica }) => replica?.isLeader);
    const choices = leaders.length > 0 && random.chance(0.8) ? leaders : up;
    return choices.length === 0 ? undefined : random.pick(choices);
  }

  isReachable({ id, replica }: ReplicaNode): boolean {
    return replica !== undefined && this.hosts.get(id)?.isPaused === false;
  }

  every(meanMs: number, action: () => void): void {
    if (!Number.isFinite(meanMs)) return;
    const delayMs = this.#rhythm.between({ from: 1, to: 2 * meanMs });
    this.events.after(delayMs, () => {
      if (!this.isStormy) return;
      action();
      this.every(meanMs, action);
    });
  }

  saw(sight: string): void {
    this.sights.set(sight, (this.sights.get(sight) ?? 0) + 1);
  }

  note(text: string): void {
    const { nowMs, ordinal } = this.events;
    this.#trace.add(() => `${nowMs.toFixed(3)} #${ordinal} ${text}`);
  }

  broke(error: unknown): void {
    this.violation ??= error instanceof Error
      ? error
      : new Error(String(error));
  }

  event(node: ReplicaNode, event: RaftEvent): void {
    this.note(`${node.id} ${renderEvent(event)}`);
    this.saw(event.kind);
    if (event.kind === "stepped_down") this.saw(`stepped_down_${event.reason}`);
    this.#check(() => this.#elections.event(node.id, event));
    this.onEvent?.(node, event);
    if (event.kind !== "role_changed" || event.role !== "leader") return;
    this.#check(() => this.truth.leads(node.id, event.term));
  }

  #check(judge: () => void): void {
    try {
      judge();
    } catch (error) {
      this.broke(error);
    }
  }

  sent(node: ReplicaNode, message: Outgoing): void {
    if (message.kind !== "vote_response" || message.vote !== "granted") return;
    const { to, term } = message;
    this.onVote?.(node);
    this.#check(() => this.truth.voted({ by: node.id, term, for: to }));
  }

  broken(node: ReplicaNode, cause: unknown): void {
    if (this.onCorrupt?.(node, cause)) return;
    this.note(`${node.id} BROKEN ${cause}`);
    this.broke(cause);
  }

  /** The machine's disk is gone; it starts anew as a node that nobody knows. */
  wipe(id: string): string {
    this.hosts.get(id)?.scrap();
    this.hosts.delete(id);
    this.nodes.delete(id);
    const newId = `${id}2`;
    this.#add(newId, []);
    this.hosts.get(newId)?.start();
    return newId;
  }

  #add(id: string, founders: readonly Founder[]): void {
    const { syncMaxMs, clockSkew } = this.#options;
    const random = this.random.fork();
    const node = new ReplicaNode({
      id,
      founders,
      segmentBytesMax: random.pick([300, 800, 100_000]),
      syncMaxMs,
      watcher: this,
      faults: this.#faults,
    });
    const skew = clockSkew * (random.below(2_001) / 1_000 - 1);
    this.nodes.set(id, node);
    this.hosts.set(
      id,
      new Host({
        name: id,
        events: this.events,
        random,
        clockRate: 1 + skew,
        send: (to, bytes) => this.network.send({ from: id, to }, bytes),
        boot: (machine) => node.boot(machine),
        powerLoss: () => node.powerLoss(random),
      }),
    );
  }
}

export function memberOf(id: string): Founder {
  return { id, name: id, address: `${id}:8400` };
}
