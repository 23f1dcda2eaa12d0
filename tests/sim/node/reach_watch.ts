/**
 * Since when clients could reach a majority that could reach itself: what a
 * client may fail at, and what it may not. Looks several times a second, so an
 * interruption that is shorter is noticed by the life of the node it ended.
 */
import { votersOf } from "../../../core/raft/configuration.ts";
import type { NodeWorld } from "./node_world.ts";
import type { SimNode } from "./sim_node.ts";

const LOOK_MS = 100;

export class ReachWatch {
  readonly #world: NodeWorld;
  readonly #client: string;
  /** Machines that the client was told of: of others it must hear from them. */
  readonly #named: readonly string[];
  /** Since when each pair, or node, is well, without a break. */
  readonly #sinceMs = new Map<string, number>();
  #seen = new Set<string>();
  /** The voters that there were, oldest first, and until when. */
  #electorates: Electorate[] = [];

  /** `client` is the machine that the client runs on. */
  constructor(world: NodeWorld, client: string) {
    this.#world = world;
    this.#client = client;
    this.#named = [...world.nodes.keys()];
    this.#lookLater();
  }

  /** Whether one majority was in reach of the client from then until now. */
  hadMajoritySince(sinceMs: number): boolean {
    this.#look();
    const electorates = this.#electorates
      .filter(({ untilMs }) => untilMs >= sinceMs)
      .map(({ voters }) => voters);
    const up = [...this.#world.nodes.values()].filter((node) =>
      this.#isSince(nodeKey(node), sinceMs)
    );
    return up.some((one) => {
      const group = up.filter((other) =>
        one === other || this.#isSince(pairKey(one, other), sinceMs)
      );
      const isWhole = group.every((left) =>
        group.every((right) =>
          left === right || this.#isSince(pairKey(left, right), sinceMs)
        )
      );
      return isWhole && isMajorityOfAll(group, electorates) &&
        group.some(({ name }) => this.#named.includes(name)) &&
        !this.#isLedFromNowhere(group);
    });
  }

  /** A leader that has moved is heard, and nobody can be sent to it yet. */
  #isLedFromNowhere(group: readonly SimNode[]): boolean {
    return [...this.#world.nodes.values()].some((leader) =>
      leader.replica?.isLeader &&
      group.some((node) => node !== leader && !knows(node, leader))
    );
  }

  #isSince(key: string, sinceMs: number): boolean {
    return (this.#sinceMs.get(key) ?? Infinity) <= sinceMs;
  }

  #lookLater(): void {
    this.#world.events.after(LOOK_MS, () => {
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    this.#noteVoters();
    const { nodes, events } = this.#world;
    const up = [...nodes.values()].filter((node) => this.#isWell(node));
    const seen = new Set<string>();
    for (const node of up) {
      seen.add(nodeKey(node));
      for (const other of up) {
        if (node !== other && this.#areJoined(node, other)) {
          seen.add(pairKey(node, other));
        }
      }
    }
    for (const key of this.#seen) {
      if (!seen.has(key)) this.#sinceMs.delete(key);
    }
    for (const key of seen) {
      if (!this.#sinceMs.has(key)) this.#sinceMs.set(key, events.nowMs);
    }
    this.#seen = seen;
  }

  #isWell(node: SimNode): boolean {
    return this.#world.isReachable(node) && node.trouble === undefined &&
      this.#isJoined(this.#client, node.name);
  }

  #areJoined(one: SimNode, other: SimNode): boolean {
    return this.#isJoined(one.name, other.name) && knows(one, other) &&
      knows(other, one);
  }

  #isJoined(one: string, other: string): boolean {
    const { network } = this.#world;
    return network.isOpen({ from: one, to: other }) &&
      network.isOpen({ from: other, to: one });
  }

  /** A majority of today was none before some of it had a vote. */
  #noteVoters(): void {
    const voters = this.#voters();
    const last = this.#electorates.at(-1);
    const { nowMs } = this.#world.events;
    if (last?.voters.join() !== voters.join()) {
      this.#electorates.push({ voters, untilMs: nowMs });
    } else last.untilMs = nowMs;
  }

  /** Of the newest configuration that anybody has committed. */
  #voters(): readonly string[] {
    let newest = -1;
    let voters: readonly string[] = [];
    for (const { replica } of this.#world.nodes.values()) {
      const status = replica?.status();
      if (status === undefined) continue;
      const { configurationIndex, commitIndex, configuration } = status;
      if (configurationIndex <= newest || configurationIndex > commitIndex) {
        continue;
      }
      newest = configurationIndex;
      voters = votersOf(configuration);
    }
    return voters;
  }
}

interface Electorate {
  readonly voters: readonly string[];
  /** When it was last seen in force. */
  untilMs: number;
}

function isMajorityOfAll(
  group: readonly SimNode[],
  electorates: readonly (readonly string[])[],
): boolean {
  return electorates.every((voters) => {
    const here = group.filter(({ nodeId }) => voters.includes(nodeId ?? ""));
    return 2 * here.length > voters.length;
  });
}

/** Gossip needs its time to tell that somebody has moved. */
function knows(one: SimNode, other: SimNode): boolean {
  return one.members().some(({ name, host, status }) =>
    name === other.name && host === other.address && status === "alive"
  );
}

/** A node that has restarted is another one. */
function nodeKey({ id, life }: SimNode): string {
  return `${id}/${life}`;
}

function pairKey(one: SimNode, other: SimNode): string {
  return `${nodeKey(one)} ${nodeKey(other)}`;
}
