/**
 * What clients were told and what readers saw, as one truth: each offset has one
 * value, each value one offset, and what was acknowledged stays. The first
 * breach ends the run.
 */
import { fail } from "../checker.ts";

export class Truth {
  readonly #values = new Map<number, string>();
  readonly #offsets = new Map<string, number>();
  readonly #acknowledged = new Map<string, number>();
  /** Of these a client was told that they are not in the log, for good. */
  readonly #refused = new Set<string>();
  readonly #votes = new Map<string, string>();
  readonly #leaders = new Map<number, string>();
  #acknowledgedEnd = 0;
  #seenEnd = 0;

  get acknowledgedCount(): number {
    return this.#acknowledged.size;
  }

  /** The offset after the last acknowledged record. */
  get acknowledgedEnd(): number {
    return this.#acknowledgedEnd;
  }

  /** The offset after all that anybody was told or saw: it is there for good. */
  get knownEnd(): number {
    return Math.max(this.#acknowledgedEnd, this.#seenEnd);
  }

  /** A reader of `node` saw a record. */
  saw(record: { offset: number; value: string }, node: string): void {
    const { offset, value } = record;
    const known = this.#values.get(offset) ?? value;
    this.#values.set(offset, known);
    this.#seenEnd = Math.max(this.#seenEnd, offset + 1);
    if (known !== value) {
      fail(`One history: offset ${offset} is ${known}, on ${node} ${value}`);
    }
    const first = this.#offsets.get(value) ?? offset;
    this.#offsets.set(value, first);
    if (first !== offset) {
      fail(`Exactly once: ${value} is at ${first} and, on ${node}, ${offset}`);
    }
    if (this.#refused.has(value)) {
      fail(`Certain outcome: ${value} was refused and is at ${offset}`);
    }
    const promised = this.#acknowledged.get(value) ?? offset;
    if (promised !== offset) {
      fail(`Acknowledged: ${value} is at ${offset}, not at ${promised}`);
    }
  }

  /**
   * All records of a request, which began when `floor` was the end of what was
   * acknowledged: real time and the order of the log agree.
   */
  acknowledgedAll(
    values: readonly string[],
    accepted: { readonly offset: number; readonly count: number },
    floor: number,
  ): void {
    const { offset, count } = accepted;
    if (count !== values.length) fail(`${count} of ${values.length} accepted`);
    if (offset < floor) {
      fail(`Real time: ${values[0]} began after ${floor} and is at ${offset}`);
    }
    for (const [n, value] of values.entries()) {
      this.acknowledged({ offset: offset + n, value });
    }
  }

  acknowledged(record: { offset: number; value: string }): void {
    const { offset, value } = record;
    const known = this.#acknowledged.get(value) ?? offset;
    this.#acknowledged.set(value, known);
    this.#acknowledgedEnd = Math.max(this.#acknowledgedEnd, offset + 1);
    const seen = this.#offsets.get(value) ?? offset;
    if (known === offset && seen === offset) return;
    fail(`Acknowledged: ${value} at ${offset}, before at ${known}/${seen}`);
  }

  refused(value: string): void {
    this.#refused.add(value);
    const offset = this.#offsets.get(value);
    if (offset !== undefined) {
      fail(`Certain outcome: ${value} is refused and was seen at ${offset}`);
    }
  }

  leads(node: string, term: number): void {
    const known = this.#leaders.get(term) ?? node;
    this.#leaders.set(term, known);
    if (known !== node) {
      fail(`Election safety: ${known} and ${node} lead term ${term}`);
    }
  }

  /** A node votes once in a term, whatever happened to it in between. */
  voted(vote: { by: string; term: number; for: string }): void {
    const key = `${vote.by} in term ${vote.term}`;
    const known = this.#votes.get(key) ?? vote.for;
    this.#votes.set(key, known);
    if (known === vote.for) return;
    fail(`One vote a term: ${key} voted for ${known} and ${vote.for}`);
  }

  /** At the end: a replica that begins at `from` has all, without gaps. */
  checkComplete(values: ReadonlyMap<number, string>, from: number): void {
    for (const [value, offset] of this.#acknowledged) {
      if (offset >= from && values.get(offset) !== value) {
        fail(`Durability: ${value} at ${offset} is ${values.get(offset)}`);
      }
    }
    for (const [offset, value] of this.#values) {
      if (offset >= from && values.get(offset) !== value) {
        fail(`Vanished: ${value} was read at ${offset}`);
      }
    }
  }
}
