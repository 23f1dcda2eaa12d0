/**
 * What clients and operators do in a run: append, read, change the membership,
 * move leadership, trim the log. Acknowledged values are remembered; at the end
 * each must be in the log, once.
 */
import type { ConfigurationChange } from "../../core/raft/configuration.ts";
import { type LogIndex, logIndex } from "../../core/ids.ts";
import type { MemoryNode } from "../core/raft/support/memory_node.ts";
import type { Cluster } from "./cluster.ts";
import { every } from "./every.ts";
import type { SimOptions } from "./options.ts";
import type { SeededRandom } from "./random.ts";

interface Pending {
  readonly text: string;
  readonly index: LogIndex;
  readonly term: number;
}

export class Workload {
  /** Values of which a client was told that they are durable. */
  readonly acknowledged: string[] = [];
  readonly #cluster: Cluster;
  readonly #random: SeededRandom;
  #pending: (Pending & { nodeId: string })[] = [];
  #valueCount = 0;
  #readCount = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#random = cluster.random.fork();
  }

  start(options: SimOptions): void {
    const rhythm = { cluster: this.#cluster, random: this.#random };
    const repeat = (meanMs: number, action: (node: MemoryNode) => void) =>
      every({ ...rhythm, meanMs }, () => this.#onAny(action));
    repeat(options.proposeEveryMs, (node) => this.propose(node));
    repeat(options.readEveryMs, (node) => this.#read(node));
    repeat(options.changeEveryMs, (node) => this.#change(node));
    repeat(options.transferEveryMs, (node) => {
      const to = this.#random.pick([...this.#cluster.nodes.keys()]);
      node.raft.transferLeadership(to);
    });
    repeat(options.compactEveryMs, (node) => this.#compact(node));
  }

  propose(node: MemoryNode): void {
    const text = `v${++this.#valueCount}`;
    const result = node.raft.propose({ text, sizeBytes: 80 });
    if (!result.ok) return;
    const { index, term } = result;
    this.#pending.push({ text, index, term, nodeId: node.id });
  }

  /** Acknowledges what its proposer has committed; forgets what is lost. */
  settle(node: MemoryNode): void {
    const isOpen = (pending: Pending & { nodeId: string }): boolean => {
      if (pending.nodeId !== node.id) return true;
      if (pending.index > node.committedIndex) return true;
      const entry = node.log.entryAt(pending.index);
      if (entry?.term !== pending.term) return false;
      this.acknowledged.push(pending.text);
      this.#cluster.coverage.saw("acknowledged");
      return false;
    };
    this.#pending = this.#pending.filter(isOpen);
  }

  /** A process that ended tells its clients nothing. */
  forget(nodeId: string): void {
    this.#pending = this.#pending.filter((it) => it.nodeId !== nodeId);
  }

  /** Mostly the leader; the others must refuse without harm. */
  #onAny(action: (node: MemoryNode) => void): void {
    const nodes = [...this.#cluster.nodes.values()].map(({ node }) => node);
    const leaders = nodes.filter(({ raft }) => raft.status.role === "leader");
    const choices = leaders.length > 0 && this.#random.chance(0.8)
      ? leaders
      : nodes;
    this.#cluster.call(this.#random.pick(choices).id, action);
  }

  #read(node: MemoryNode): void {
    const context = ++this.#readCount;
    const mode = this.#random.pick(["quorum", "lease"] as const);
    const isLeader = node.raft.status.role === "leader";
    this.#cluster.checker.reads.began(context);
    if (!node.raft.readIndex({ context, mode }).ok) return;
    const sight = mode === "lease" ? "lease_read" : "quorum_read";
    this.#cluster.coverage.saw(isLeader ? sight : "follower_read");
  }

  #change(node: MemoryNode): void {
    const change = this.#drawChange(node);
    const result = node.raft.proposeConfigurationChange(change);
    const id = change.kind === "add_learner" ? change.member.id : change.id;
    if (result.ok) {
      this.#cluster.note(`${node.id} changes ${change.kind} ${id}`);
    }
  }

  #drawChange(node: MemoryNode): ConfigurationChange {
    const members = node.raft.configuration.members.map(({ id }) => id);
    const others = [...this.#cluster.nodes.keys()].filter((id) =>
      !members.includes(id)
    );
    if (others.length > 0 && this.#random.chance(0.6)) {
      const id = this.#random.pick(others);
      return {
        kind: "add_learner",
        member: { id, name: id, address: `${id}:1` },
      };
    }
    if (members.length === 0 || this.#random.chance(0.2)) {
      const id = this.#random.pick([...this.#cluster.nodes.keys()]);
      return { kind: "readdress", id, address: `${id}:${this.#readCount}` };
    }
    return { kind: "remove", id: this.#random.pick(members) };
  }

  /** Retention: never beyond what is applied and durable here. */
  #compact(node: MemoryNode): void {
    const { durableIndex } = node.raft.status;
    const last = Math.min(node.committedIndex, durableIndex);
    const first = node.log.start.index + 1;
    if (last < first) return;
    const index = this.#random.between({ from: first, to: last });
    node.compact(logIndex(index));
    this.#cluster.note(`${node.id} trims its log up to ${index}`);
  }
}
