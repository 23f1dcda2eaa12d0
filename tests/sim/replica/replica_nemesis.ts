/**
 * What goes wrong, and what operators do meanwhile: crashes, pauses, partitions,
 * slow and full disks, membership changes, transfers, retention ahead of slow
 * followers.
 */
import { offset } from "../../../core/ids.ts";
import type { SimOptions } from "../options.ts";
import type { SeededRandom } from "../random.ts";
import { memberOf, type ReplicaCluster } from "./replica_cluster.ts";
import type { ReplicaNode } from "./replica_node.ts";

const SLOW_SYNC_MAX_MS = 1_200;

export class ReplicaNemesis {
  readonly #cluster: ReplicaCluster;
  readonly #options: SimOptions;
  readonly #random: SeededRandom;

  constructor(cluster: ReplicaCluster, options: SimOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#random = cluster.random.fork();
  }

  start(): void {
    const cluster = this.#cluster;
    const options = this.#options;
    cluster.every(options.crashEveryMs, () => this.#crash());
    cluster.every(options.pauseEveryMs, () => this.#pause());
    cluster.every(options.partitionEveryMs, () => this.#split());
    cluster.every(options.slowDiskEveryMs, () => this.#slowDown());
    cluster.every(options.fullDiskEveryMs, () => this.#fill());
    cluster.every(options.changeEveryMs, () => this.#change());
    cluster.every(options.transferEveryMs, () => this.#transfer());
    cluster.every(options.compactEveryMs, () => this.#trim());
    this.#strikeAtEvents();
  }

  /** From here on nothing is broken. */
  calm(): void {
    const cluster = this.#cluster;
    cluster.note("-- all is well from here --");
    cluster.network.calm();
    for (const node of cluster.nodes.values()) {
      node.syncMaxMs = 2;
      node.disk.capacityBytes = Infinity;
      const host = cluster.hosts.get(node.id);
      host?.resume();
      host?.start();
    }
  }

  #crash(): void {
    const all = [...this.#cluster.nodes.values()];
    const victims = this.#random.chance(0.15) ? all : [this.#random.pick(all)];
    for (const { id } of victims) {
      this.#crashNode(id, this.#random.between({ from: 1, to: 600 }));
    }
  }

  /** Crashes a node just when it has voted, won, truncated or begun anew. */
  #strikeAtEvents(): void {
    const cluster = this.#cluster;
    const { awkwardCrash, delayMaxMs } = this.#options;
    const strike = (id: string): void => {
      if (!this.#random.chance(awkwardCrash)) return;
      const delayMs = this.#random.pick([0, 1, delayMaxMs]);
      const downMs = this.#random.pick([1, 20, 300]);
      cluster.events.after(delayMs, () => {
        if (cluster.isStormy) this.#crashNode(id, downMs);
      });
    };
    cluster.onVote = ({ id }) => strike(id);
    cluster.onEvent = ({ id }, { kind }) => {
      const isAwkward = kind === "role_changed" || kind === "truncated" ||
        kind === "reset";
      if (isAwkward) strike(id);
    };
  }

  #crashNode(id: string, downMs: number): void {
    const host = this.#cluster.hosts.get(id);
    if (host === undefined || !host.isUp) return;
    this.#did("crash", id);
    host.crash();
    this.#cluster.events.after(downMs, () => {
      if (host.isUp) return;
      this.#did("restart", id);
      host.start();
    });
  }

  #pause(): void {
    const { id } = this.#pick();
    const host = this.#cluster.hosts.get(id);
    if (host === undefined || !host.isUp || host.isPaused) return;
    this.#did("pause", id);
    host.pause();
    const pauseMs = this.#random.between({ from: 20, to: 700 });
    this.#cluster.events.after(pauseMs, () => host.resume());
  }

  #split(): void {
    const names = [...this.#cluster.nodes.keys()];
    const from = names.filter(() => this.#random.chance(0.5));
    const to = names.filter((name) => !from.includes(name));
    const ways = this.#random.chance(0.3) ? "one" : "both";
    this.#did(`partition_${ways}`, from.join(""));
    this.#cluster.network.split({ from, to, ways });
    const splitMs = this.#random.between({ from: 50, to: 1_000 });
    this.#cluster.events.after(splitMs, () => this.#cluster.network.heal());
  }

  #slowDown(): void {
    const node = this.#pick();
    this.#did("slow_disk", node.id);
    node.syncMaxMs = SLOW_SYNC_MAX_MS;
    const slowMs = this.#random.between({ from: 100, to: 1_500 });
    this.#cluster.events.after(slowMs, () => {
      node.syncMaxMs = Math.min(node.syncMaxMs, this.#options.syncMaxMs);
    });
  }

  #fill(): void {
    const { id, disk } = this.#pick();
    this.#did("full_disk", id);
    disk.capacityBytes = 0;
    disk.capacityBytes = -disk.freeBytes("/") + this.#random.below(600);
    const fullMs = this.#random.between({ from: 50, to: 900 });
    this.#cluster.events.after(fullMs, () => {
      disk.capacityBytes = Infinity;
    });
  }

  #change(): void {
    const node = this.#cluster.pickServer(this.#random);
    const replica = node?.replica;
    if (node === undefined || replica === undefined) return;
    const members = replica.status().configuration.members.map(({ id }) => id);
    const others = [...this.#cluster.nodes.keys()]
      .filter((id) => !members.includes(id));
    const isAdd = others.length > 0 && this.#random.chance(0.6);
    if (!isAdd && members.length === 0) return;
    const id = this.#random.pick(isAdd ? others : members);
    const changing = isAdd
      ? replica.addLearner(memberOf(id))
      : replica.remove(id);
    changing.then((outcome) => {
      const result = outcome.ok ? "done" : outcome.reason;
      this.#did(`change_${result}`, `${node.id} ${isAdd ? "+" : "-"}${id}`);
    }, () => this.#cluster.saw("change_ended"));
  }

  #transfer(): void {
    const replica = this.#cluster.pickServer(this.#random)?.replica;
    const to = this.#pick().id;
    replica?.transferLeadership(to).then(
      ({ ok }) => {
        if (ok) this.#did("transfer", to);
      },
      () => this.#cluster.saw("transfer_ended"),
    );
  }

  /** Retention knows nothing of slow followers. */
  #trim(): void {
    const node = this.#pick();
    const { replica } = node;
    if (replica === undefined || !this.#cluster.isReachable(node)) return;
    const { lowestOffset, nextOffset } = replica;
    const before = this.#random.chance(0.5)
      ? nextOffset
      : this.#random.between({ from: lowestOffset, to: nextOffset });
    replica.trim(offset(before)).then(
      (bytes) => {
        if (bytes > 0) this.#did("trim", `${node.id} ${before}`);
      },
      () => this.#cluster.saw("trim_refused"),
    );
  }

  #did(sight: string, what: string): void {
    this.#cluster.saw(sight);
    this.#cluster.note(`${sight} ${what}`);
  }

  #pick(): ReplicaNode {
    return this.#random.pick([...this.#cluster.nodes.values()]);
  }
}
