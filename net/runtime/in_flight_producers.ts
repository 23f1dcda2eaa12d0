/**
 * Idempotency for requests whose first try is not durable yet: a repeat joins
 * the first try instead of being appended again. What is durable is known to
 * the ProducerTable. Callers: the commit loop.
 */
import type { Accepted, Proposal } from "../../core/cluster/proposal.ts";
import type { ProducerTable } from "../../core/cluster/producer_table.ts";
import { ProglogError } from "../../core/errors.ts";

interface InFlight {
  lastSequence: number;
  readonly bySequence: Map<number, Promise<Accepted>>;
}

export class InFlightProducers {
  readonly #table: ProducerTable;
  readonly #inFlight = new Map<bigint, InFlight>();

  constructor(table: ProducerTable) {
    this.#table = table;
  }

  /** Runs `append` unless the proposal repeats an earlier one. */
  once(
    proposal: Proposal,
    append: () => Promise<Accepted>,
  ): Promise<Accepted> {
    const { producer } = proposal;
    if (producer === undefined) return append();
    const inFlight = this.#inFlight.get(producer.id);
    const repeated = inFlight?.bySequence.get(producer.sequence);
    if (repeated !== undefined) return repeated;
    if (producer.sequence - 1 !== inFlight?.lastSequence) {
      const answer = this.#answerFromTable(producer, inFlight);
      if (answer !== undefined) return answer;
    }
    const accepted = append();
    this.#track(producer, accepted);
    return accepted;
  }

  /** After a refusal: the next sequence is judged by the table again. */
  forget(producerId: bigint): void {
    this.#inFlight.delete(producerId);
  }

  #answerFromTable(
    producer: { id: bigint; sequence: number },
    inFlight: InFlight | undefined,
  ): Promise<Accepted> | undefined {
    const { id, sequence } = producer;
    const check = this.#table.check({ producerId: id, sequence });
    switch (check.kind) {
      case "duplicate":
        return Promise.resolve({ offset: check.offset, count: check.count });
      case "forgotten":
        return Promise.reject(
          new ProglogError(
            "already_exists",
            `Sequence ${sequence} of producer ${id} was appended too long ago to know its offset`,
          ),
        );
      case "gap":
        return Promise.reject(outOfOrder(producer, check.expectedSequence));
      case "new":
        return inFlight === undefined ? undefined : Promise.reject(
          outOfOrder(producer, inFlight.lastSequence + 1),
        );
    }
  }

  #track(
    producer: { id: bigint; sequence: number },
    accepted: Promise<Accepted>,
  ): void {
    const { id, sequence } = producer;
    const inFlight = this.#inFlight.get(id) ??
      { lastSequence: 0, bySequence: new Map() };
    inFlight.lastSequence = sequence;
    inFlight.bySequence.set(sequence, accepted);
    this.#inFlight.set(id, inFlight);
    const settle = () => {
      inFlight.bySequence.delete(sequence);
      const isCurrent = this.#inFlight.get(id) === inFlight;
      if (isCurrent && inFlight.bySequence.size === 0) {
        this.#inFlight.delete(id);
      }
    };
    accepted.then(settle, settle);
  }
}

function outOfOrder(
  producer: { id: bigint; sequence: number },
  expectedSequence: number,
): ProglogError {
  return new ProglogError(
    "out_of_order",
    `Cannot append sequence ${producer.sequence} of producer ${producer.id} as ${expectedSequence} comes next`,
    { details: { expectedSequence } },
  );
}
