/**
 * Messages on their way to everyone, each sent a bounded number of times:
 * least sent first, then the longest, then the newest, as many as fit. A new
 * message with the key of an old one takes its place.
 */
import { BROADCASTS_MAX } from "./limits.ts";

interface Broadcast {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly id: number;
  sent: number;
}

export interface PacketBudget {
  /** Bytes that each message costs besides its own. */
  readonly overheadBytes: number;
  readonly limitBytes: number;
  readonly countMax: number;
}

/** How often one message is sent in a cluster of `members`. */
export function transmissionsMax(multiplier: number, members: number): number {
  return multiplier * Math.ceil(Math.log10(members + 1));
}

export class BroadcastQueue {
  readonly #multiplier: number;
  readonly #byKey = new Map<string, Broadcast>();
  /** By times sent; within one, by `compare`. */
  readonly #tiers: Broadcast[][] = [];
  #nextId = 1;

  constructor(retransmitMultiplier: number) {
    this.#multiplier = retransmitMultiplier;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Whether the message under `key` still has transmissions left. */
  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Queues `bytes` under `key`; the oldest message makes room if it is full. */
  push(key: string, bytes: Uint8Array): void {
    this.remove(key);
    if (this.#byKey.size >= BROADCASTS_MAX) {
      const [oldest] = this.#byKey.keys();
      this.remove(oldest!);
    }
    const broadcast = { key, bytes, id: this.#nextId++, sent: 0 };
    this.#byKey.set(key, broadcast);
    this.#insert(broadcast);
  }

  remove(key: string): void {
    const broadcast = this.#byKey.get(key);
    if (broadcast === undefined) return;
    this.#byKey.delete(key);
    const tier = this.#tiers[broadcast.sent]!;
    tier.splice(findPlace(tier, broadcast), 1);
  }

  /** Takes what fits in one packet, and counts it as sent. */
  take(budget: PacketBudget, members: number): Uint8Array[] {
    if (this.#byKey.size === 0) return [];
    const taken: Broadcast[] = [];
    let leftBytes = budget.limitBytes;
    for (const tier of this.#tiers) {
      let i = firstThatFits(tier, leftBytes - budget.overheadBytes);
      while (i < tier.length && taken.length < budget.countMax) {
        const broadcast = tier[i]!;
        if (broadcast.bytes.length + budget.overheadBytes > leftBytes) {
          i++;
          continue;
        }
        leftBytes -= broadcast.bytes.length + budget.overheadBytes;
        taken.push(broadcast);
        tier.splice(i, 1);
      }
    }
    this.#countAsSent(taken, members);
    return taken.map((broadcast) => broadcast.bytes);
  }

  #countAsSent(taken: readonly Broadcast[], members: number): void {
    const sentMax = transmissionsMax(this.#multiplier, members);
    for (const broadcast of taken) {
      broadcast.sent++;
      if (broadcast.sent >= sentMax) this.#byKey.delete(broadcast.key);
      else this.#insert(broadcast);
    }
  }

  #insert(broadcast: Broadcast): void {
    while (this.#tiers.length <= broadcast.sent) this.#tiers.push([]);
    const tier = this.#tiers[broadcast.sent]!;
    tier.splice(findPlace(tier, broadcast), 0, broadcast);
  }
}

/** Longest first, then newest first. No two broadcasts are equal. */
function compare(a: Broadcast, b: Broadcast): number {
  return b.bytes.length - a.bytes.length || b.id - a.id;
}

function findPlace(tier: readonly Broadcast[], broadcast: Broadcast): number {
  return lowestIndex(tier, (other) => compare(other, broadcast) >= 0);
}

function firstThatFits(tier: readonly Broadcast[], limitBytes: number): number {
  return lowestIndex(tier, (other) => other.bytes.length <= limitBytes);
}

/** The first index where `holds` is true; it must stay true from there on. */
function lowestIndex(
  tier: readonly Broadcast[],
  holds: (broadcast: Broadcast) => boolean,
): number {
  let [low, high] = [0, tier.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(tier[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
