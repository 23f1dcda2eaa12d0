/**
 * Machines, network and disks with whole nodes on them, and who watches: what
 * nodes say in their log lines is counted, traced and judged.
 */
import { isProglogError } from "../../../core/errors.ts";
import type { LogFields } from "../../../net/telemetry/log.ts";
import { EventQueue } from "../event_queue.ts";
import { Host } from "../host.ts";
import { Network } from "../network.ts";
import { SeededRandom } from "../random.ts";
import { Truth } from "../replica/truth.ts";
import type { Trace } from "../trace.ts";
import { MemberWatch } from "./member_watch.ts";
import type { NodeSimOptions } from "./options.ts";
import { renderFields } from "./sim_logger.ts";
import {
  GOSSIP_PORT,
  SimNode,
  type SimNodeWatcher,
  type Start,
} from "./sim_node.ts";
import { Tcp } from "./tcp.ts";
import { Wire } from "./wire.ts";

/** Chance that a machine that moves takes an address that another has had. */
const REUSE = 0.3;

/** Until an agent that ended is started again. */
const RESTART_MS = 1_000;

/** A file: the agent reads it as it does elsewhere. */
const GOSSIP_KEY = new URL("gossip.key", import.meta.url).pathname;

/** Log lines that are counted. */
const TOLD: ReadonlySet<string> = new Set([
  "another node uses this node's name: give one of them another --node-name",
  "changing the members",
  "founded a cluster",
  "joined a cluster",
  "member failed",
  "member join",
  "member leave",
  "member update",
  "stepped down",
  "the members were not changed",
]);

export class NodeWorld implements SimNodeWatcher {
  readonly events = new EventQueue();
  readonly truth = new Truth();
  readonly nodes = new Map<string, SimNode>();
  readonly hosts = new Map<string, Host>();
  /** Machines that have left for good. */
  readonly gone = new Set<string>();
  /** Names of machines of clients. */
  readonly clients: string[] = [];
  readonly tcp: Tcp;
  /** What waits for the machine that the simulator runs on; time stands still. */
  readonly pending = new Set<Promise<unknown>>();
  readonly network: Network<() => void>;
  readonly random: SeededRandom;
  readonly sights = new Map<string, number>();
  /** While anything may break and clients are at work. */
  isStormy = true;
  /** The first breach of an invariant. */
  violation: Error | undefined;
  /** The nemesis strikes at moments that matter. */
  onMoment: ((node: SimNode) => void) | undefined;
  readonly #options: NodeSimOptions;
  readonly #trace: Trace;
  readonly #rhythm: SeededRandom;
  readonly #wire: Wire;
  readonly #members: MemberWatch;
  /** Addresses that somebody has had. */
  readonly #left = new Set<string>();
  #addressCount = 0;

  constructor(options: NodeSimOptions, trace: Trace) {
    this.#options = options;
    this.#trace = trace;
    this.random = new SeededRandom(options.seed ^ 0x90de);
    this.#rhythm = this.random.fork();
    this.network = new Network({
      events: this.events,
      random: this.random.fork(),
      coverage: this,
      faults: options,
      deliver: (to, work) => this.hosts.get(to)?.run(work),
    });
    const { events, network } = this;
    this.#wire = new Wire({ events, network, random: this.random.fork() });
    this.tcp = new Tcp({
      events,
      network,
      random: new SeededRandom(options.seed ^ 0x7c9),
      loss: () => this.isStormy ? options.loss : 0,
    });
    this.#members = new MemberWatch(this);
    for (const name of [..."abcdefgh"].slice(0, options.machineCount)) {
      this.add(name);
    }
  }

  /** A machine more; it is off. */
  add(name: string): SimNode {
    const random = this.random.fork();
    const node: SimNode = new SimNode({
      name,
      address: this.#newAddress(),
      segmentBytesMax: random.pick([800, 100_000]),
      syncMaxMs: this.#options.syncMaxMs,
      start: (): Start => this.#startOf(node),
      gossipKeyFile: this.#options.gossip === "encrypted"
        ? GOSSIP_KEY
        : undefined,
      wire: this.#wire,
      tcp: this.tcp,
      watcher: this,
    });
    const skew = this.#options.clockSkew * (random.below(2_001) / 1_000 - 1);
    const host: Host = new Host({
      name,
      events: this.events,
      random,
      clockRate: 1 + skew,
      send: () => {},
      boot: (machine) => node.boot(machine, (work) => host.run(work)),
      powerLoss: () => node.powerLoss(random),
    });
    this.nodes.set(name, node);
    this.hosts.set(name, host);
    return node;
  }

  /** The machine, which is off, comes back elsewhere: also where others were. */
  move(node: SimNode): void {
    const taken = new Set([...this.nodes.values()].map((it) => it.address));
    const free = [...this.#left].filter((address) => !taken.has(address));
    this.#left.add(node.address);
    const isReused = free.length > 0 && this.#rhythm.chance(REUSE);
    if (isReused) this.saw("address_reused");
    node.address = isReused ? this.#rhythm.pick(free) : this.#newAddress();
  }

  resolve(name: string): string | undefined {
    return this.nodes.get(name)?.address ??
      (/^[\d.]+$/.test(name) ? name : undefined);
  }

  /** A node that is up; mostly the leader. */
  pickServer(random: SeededRandom): SimNode | undefined {
    const up = [...this.nodes.values()].filter((it) => this.isReachable(it));
    const leaders = up.filter(({ replica }) => replica?.isLeader);
    const choices = leaders.length > 0 && random.chance(0.8) ? leaders : up;
    return choices.length === 0 ? undefined : random.pick(choices);
  }

  isReachable({ name, replica }: SimNode): boolean {
    return replica !== undefined && this.hosts.get(name)?.isPaused === false;
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

  logged(node: SimNode, message: string, fields: LogFields): void {
    this.note(`${node.id} ${message} ${renderFields(fields)}`);
    if (TOLD.has(message)) this.saw(message);
    if (fields["encrypted"] === true) this.saw("gossip_encrypted");
    if (message === "stepped down") {
      this.saw(`stepped down: ${fields["reason"]}`);
    }
    this.#check(() => this.#judge(node, message, fields));
  }

  #check(judge: () => void): void {
    try {
      judge();
    } catch (error) {
      this.broke(error);
    }
  }

  linkRefused(node: SimNode, reason: string): void {
    this.note(`${node.id} refuses a link: ${reason}`);
    this.saw("link_refused");
  }

  broken(node: SimNode, cause: unknown): void {
    if (node.trouble === "full disk" && isProglogError(cause, "disk_full")) {
      return this.#endedByFullDisk(node);
    }
    this.note(`${node.id} BROKEN ${cause}`);
    this.broke(cause);
  }

  /** An agent ends with its cause; whoever supervises it starts it again. */
  #endedByFullDisk(node: SimNode): void {
    this.note(`${node.id} ends as its disk is full`);
    this.saw("ended_disk_full");
    const host = this.hosts.get(node.name);
    this.events.after(0, () => host?.crash());
    this.events.after(RESTART_MS, () => {
      if (!this.gone.has(node.name)) host?.start();
    });
  }

  hold(work: Promise<unknown>): void {
    const ended = work.then(() => {}, () => {});
    const held = ended.finally(() => this.pending.delete(held));
    this.pending.add(held);
  }

  #judge(node: SimNode, message: string, fields: LogFields): void {
    switch (message) {
      case "role changed":
        if (fields["role"] !== "leader") return;
        this.truth.leads(node.id, Number(fields["term"]));
        this.saw("election");
        return this.onMoment?.(node);
      case "changing the members":
        this.#sawChange(String(fields["reason"]));
        this.#members.changing(node);
        return this.onMoment?.(node);
      case "founded a cluster":
      case "joined a cluster":
        this.#members.joined(node, String(fields["cluster_id"]));
        return this.onMoment?.(node);
      case "members changed":
        this.events.after(
          0,
          () => this.#check(() => this.#members.changed(node)),
        );
        return this.onMoment?.(node);
    }
  }

  #sawChange(reason: string): void {
    if (reason.includes("has joined")) this.saw("change_join");
    if (reason.includes("left") || reason.includes("is leaving")) {
      this.saw("change_leave");
    }
    if (reason.includes("taken over")) this.saw("change_wipe");
    if (reason.includes("has been gone")) this.saw("change_reap");
    if (reason.includes("moved")) this.saw("change_readdress");
  }

  /** Seeds are names, as in DNS: they are of all machines there are. */
  #startOf(node: SimNode): Start {
    const joinSeeds = [...this.nodes.keys()]
      .filter((name) => name !== node.name && !this.gone.has(name))
      .map((name) => `${name}:${GOSSIP_PORT}`);
    const { founding, machineCount } = this.#options;
    const isFirstDisk = node.diskCount === 1;
    const isOriginal = [...this.nodes.keys()].indexOf(node.name) < machineCount;
    return {
      joinSeeds,
      bootstrap: founding === "first" && isFirstDisk && node.name === "a",
      bootstrapExpect: founding === "expect" && isFirstDisk && isOriginal
        ? machineCount
        : undefined,
    };
  }

  #newAddress(): string {
    this.#addressCount += 1;
    return `10.0.${this.#addressCount >> 8}.${this.#addressCount & 0xff}`;
  }
}
