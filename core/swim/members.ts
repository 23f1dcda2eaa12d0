/**
 * The table of members: by name, and as a ring in random order for the probe.
 * It stores; the rules of who is alive are in `precedence.ts` and `claims.ts`.
 */
import type { Random } from "../env.ts";
import { randomBelow, shuffle } from "./random.ts";
import { type Endpoint, formatIp } from "./wire/ip.ts";
import type { NodeStatus, PushPullNode } from "./wire/push_pull.ts";

export interface Member extends PushPullNode {
  readonly name: string;
  /** Verbatim bytes of the member; never normalised. */
  address: Uint8Array;
  port: number;
  meta: Uint8Array;
  versions: Uint8Array;
  incarnation: number;
  status: NodeStatus;
  statusChangedAtMs: number;
  /** `address` and `port` as sockets want them. */
  endpoint: Endpoint;
  /** When somebody was last told of a claim to the name from elsewhere. */
  conflictToldAtMs: number;
}

export class MemberTable {
  readonly #random: Random;
  readonly #byName = new Map<string, Member>();
  #ring: Member[] = [];
  #ringPosition = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Every member that is remembered, the dead too. */
  get size(): number {
    return this.#ring.length;
  }

  get all(): readonly Member[] {
    return this.#ring;
  }

  get(name: string): Member | undefined {
    return this.#byName.get(name);
  }

  /** Adds at a random place, so that all nodes probe in different orders. */
  add(member: Member): void {
    this.#byName.set(member.name, member);
    const place = randomBelow(this.#random, this.#ring.length + 1);
    this.#ring.push(member);
    const last = this.#ring.length - 1;
    [this.#ring[place], this.#ring[last]] = [
      this.#ring[last]!,
      this.#ring[place]!,
    ];
  }

  /** The next of the ring for which `accepts` holds; at its end, a new order. */
  nextInRing(options: {
    accepts: (member: Member) => boolean;
    isForgotten: (member: Member) => boolean;
  }): Member | undefined {
    for (let checked = 0; checked <= this.#ring.length; checked++) {
      if (this.#ringPosition >= this.#ring.length) {
        this.#forget(options.isForgotten);
        shuffle(this.#random, this.#ring);
        this.#ringPosition = 0;
      }
      const member = this.#ring[this.#ringPosition++];
      if (member !== undefined && options.accepts(member)) return member;
    }
    return undefined;
  }

  #forget(isForgotten: (member: Member) => boolean): void {
    for (const member of this.#ring) {
      if (isForgotten(member)) this.#byName.delete(member.name);
    }
    this.#ring = this.#ring.filter((member) => !isForgotten(member));
  }
}

/** The endpoint of address bytes; undefined if they are not an address. */
export function endpointOf(
  address: Uint8Array,
  port: number,
): Endpoint | undefined {
  const host = formatIp(address);
  return host === undefined ? undefined : { host, port };
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
