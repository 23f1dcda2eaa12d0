/**
 * Which requests of producers this node knows, in three layers: committed (the
 * replicated table), appended (in the log and not yet committed, by whomever),
 * and queued (not yet in the log). A repeated request is answered by the layer
 * that has it, and never appended again.
 */
import type { Accepted, Proposal } from "../../../core/cluster/proposal.ts";
import {
  type ProducerMark,
  ProducerTable,
} from "../../../core/cluster/producer_table.ts";
import { ProglogError } from "../../../core/errors.ts";
import type { LogIndex, Term } from "../../../core/ids.ts";

export interface MarkedEntry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly baseOffset: number;
  readonly marks: readonly ProducerMark[];
}

interface AppendedRequest extends Accepted {
  readonly sequence: number;
  readonly index: LogIndex;
  readonly term: Term;
}

interface Queued {
  lastSequence: number;
  readonly answers: Map<number, Promise<Accepted>>;
}

export type ProducerAnswer =
  | { readonly kind: "new" }
  | { readonly kind: "queued"; readonly answer: Promise<Accepted> }
  | { readonly kind: "appended"; readonly request: AppendedRequest }
  | { readonly kind: "committed"; readonly accepted: Accepted }
  | { readonly kind: "refused"; readonly reason: ProglogError };

type Producer = NonNullable<Proposal["producer"]>;

export class Producers {
  #table: ProducerTable;
  #appended = new Map<bigint, AppendedRequest[]>();
  readonly #queued = new Map<bigint, Queued>();

  constructor(table: ProducerTable) {
    this.#table = table;
  }

  /** As of the last applied entry. */
  get table(): ProducerTable {
    return this.#table;
  }

  check({ id, sequence }: Producer): ProducerAnswer {
    const queued = this.#queued.get(id);
    const answer = queued?.answers.get(sequence);
    if (answer !== undefined) return { kind: "queued", answer };
    const appended = this.#appended.get(id);
    const request = appended?.find((one) => one.sequence === sequence);
    if (request !== undefined) return { kind: "appended", request };
    const last = queued?.lastSequence ?? appended?.at(-1)?.sequence;
    if (last !== undefined) {
      if (sequence === last + 1) return { kind: "new" };
      if (sequence > last) return outOfOrder({ id, sequence }, last + 1);
    }
    return this.#checkTable({ id, sequence });
  }

  #checkTable({ id, sequence }: Producer): ProducerAnswer {
    const check = this.#table.check({ producerId: id, sequence });
    switch (check.kind) {
      case "duplicate": {
        const { offset, count } = check;
        return { kind: "committed", accepted: { offset, count } };
      }
      case "forgotten":
        return {
          kind: "refused",
          reason: new ProglogError(
            "already_exists",
            `Sequence ${sequence} of producer ${id} was appended too long ago to know its offset`,
          ),
        };
      case "gap":
        return outOfOrder({ id, sequence }, check.expectedSequence);
      case "new":
        // Of an unknown producer only the first: an earlier one may be on its way.
        return sequence === 1 || this.#table.knows(id)
          ? { kind: "new" }
          : outOfOrder({ id, sequence }, 1);
    }
  }

  /** A request waits to be written; `answer` settles when it is decided. */
  enqueued({ id, sequence }: Producer, answer: Promise<Accepted>): void {
    const queued = this.#queued.get(id) ??
      { lastSequence: 0, answers: new Map() };
    queued.lastSequence = sequence;
    queued.answers.set(sequence, answer);
    this.#queued.set(id, queued);
  }

  /** Requests that waited are in the log, or refused: they wait no more. */
  dequeued(marks: readonly ProducerMark[]): void {
    for (const { producerId, sequence } of marks) {
      const queued = this.#queued.get(producerId);
      queued?.answers.delete(sequence);
      if (queued?.answers.size === 0) this.#queued.delete(producerId);
    }
  }

  /** An entry with these marks is in the log now. */
  appended({ index, term, baseOffset, marks }: MarkedEntry): void {
    for (const mark of marks) {
      const requests = this.#appended.get(mark.producerId) ?? [];
      const { sequence, relativeOffset, count } = mark;
      const offset = baseOffset + relativeOffset;
      requests.push({ sequence, index, term, offset, count });
      this.#appended.set(mark.producerId, requests);
    }
  }

  /** The last entry with marks was cut off again. */
  truncated({ index, marks }: MarkedEntry): void {
    for (const { producerId } of marks) {
      const requests = this.#appended.get(producerId) ?? [];
      while ((requests.at(-1)?.index ?? 0) >= index) requests.pop();
      if (requests.length === 0) this.#appended.delete(producerId);
    }
  }

  /** The first entry with marks that was not yet committed is. */
  committed({ index, baseOffset, marks }: MarkedEntry): void {
    this.#table.apply({ baseOffset, marks });
    for (const { producerId } of marks) {
      const requests = this.#appended.get(producerId) ?? [];
      while ((requests[0]?.index ?? Infinity) <= index) requests.shift();
      if (requests.length === 0) this.#appended.delete(producerId);
    }
  }

  /** The log begins anew with this table. */
  reset(table: ProducerTable): void {
    this.#table = table;
    this.#appended = new Map();
  }
}

function outOfOrder(
  { id, sequence }: Producer,
  expectedSequence: number,
): ProducerAnswer {
  return {
    kind: "refused",
    reason: new ProglogError(
      "out_of_order",
      `Cannot append sequence ${sequence} of producer ${id} as ${expectedSequence} comes next`,
      { details: { expectedSequence } },
    ),
  };
}
