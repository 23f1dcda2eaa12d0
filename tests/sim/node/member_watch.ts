/**
 * Watches membership as it changes: one cluster id, voters that change one at a
 * time, and no removal that leaves less than a quorum of nodes that are up.
 */
import {
  type Configuration,
  votersOf,
} from "../../../core/raft/configuration.ts";
import { fail } from "../checker.ts";
import type { NodeWorld } from "./node_world.ts";
import type { SimNode } from "./sim_node.ts";

/** What a leader cannot know yet: Raft's silence, and a gap to spare. */
const UNKNOWN_MS = 4_000;

interface Seen {
  readonly life: number;
  readonly term: number;
  readonly configuration: Configuration;
}

export class MemberWatch {
  readonly #world: NodeWorld;
  /** By the node that leads. */
  readonly #seen = new Map<string, Seen>();
  readonly #lastUpMs = new Map<string, number>();
  #clusterId: string | undefined;

  constructor(world: NodeWorld) {
    this.#world = world;
    world.every(500, () => this.#look());
  }

  joined(node: SimNode, clusterId: string): void {
    this.#clusterId ??= clusterId;
    if (clusterId === this.#clusterId) return;
    fail(`One cluster: ${node.id} is in ${clusterId}, not ${this.#clusterId}`);
  }

  /** A leader wants a change: it can reach a quorum, as far as it can know. */
  changing(node: SimNode): void {
    this.#look();
    const status = node.replica?.status();
    if (status === undefined) return;
    const voters = votersOf(status.configuration);
    const up = voters.filter((id) => this.#wasUp(id));
    if (2 * up.length > voters.length) return;
    fail(`Quorum: ${node.id} changes members with ${up.length} of ${voters}`);
  }

  /** What a leader's configuration has become. */
  changed(node: SimNode): void {
    this.#look();
    const status = node.replica?.status();
    if (status === undefined) return;
    const { role, term, configuration } = status;
    if (role !== "leader") return;
    const before = this.#seen.get(node.id);
    this.#seen.set(node.id, { life: node.life, term, configuration });
    if (before?.life !== node.life || before.term !== term) return;
    const old = new Set(votersOf(before.configuration));
    const now = new Set(votersOf(configuration));
    const difference = old.symmetricDifference(now).size;
    if (difference > 1) {
      fail(`One at a time: ${node.id} changed ${difference} voters`);
    }
    const up = [...now].filter((id) => this.#wasUp(id));
    if (now.size < old.size && 2 * up.length <= now.size) {
      fail(`Quorum: ${node.id} leaves ${up.length} of ${now.size} voters up`);
    }
  }

  #wasUp(nodeId: string): boolean {
    const upMs = this.#lastUpMs.get(nodeId) ?? -Infinity;
    return this.#world.events.nowMs - upMs <= UNKNOWN_MS;
  }

  #look(): void {
    const { nowMs } = this.#world.events;
    for (const node of this.#world.nodes.values()) {
      const { nodeId } = node;
      if (nodeId === undefined || !this.#world.isReachable(node)) continue;
      this.#lastUpMs.set(nodeId, nowMs);
    }
  }
}
