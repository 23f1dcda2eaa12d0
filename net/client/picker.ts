/**
 * Which server a call goes to: writes to the leader, reads to the followers in
 * turn, the leader where there are none. Any server can do any call, so the
 * others stand behind as second choices. No state but the turn.
 */
import { allAddresses, type Endpoints } from "./resolver.ts";

/** "ask": about the server itself, so the one that the user named comes first. */
export type CallKind = "write" | "read" | "ask";

export class Picker {
  #turn = 0;

  /** Addresses in the order in which to try them; the first one is the pick. */
  order(kind: CallKind, endpoints: Endpoints): string[] {
    const all = allAddresses(endpoints);
    const { followers, seeds } = endpoints;
    if (kind === "ask") return [...new Set([...seeds, ...all])];
    if (kind !== "read" || followers.length === 0) return all;
    const start = this.#turn % followers.length;
    this.#turn += 1;
    const inTurn = [...followers.slice(start), ...followers.slice(0, start)];
    return [...new Set([...inTurn, ...all])];
  }
}
