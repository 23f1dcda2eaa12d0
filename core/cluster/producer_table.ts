/**
 * Which sequence numbers of which producers are in the log, so that a retry
 * appends nothing and is answered with the first offset. Pure state, a function
 * of the entries applied: every replica has the same table.
 * Callers: the replica (check before an append, apply once it is committed).
 */
import { ByteReader, ByteWriter } from "./producer_codec.ts";

/**
 * How many of its last requests each producer may repeat: no client may have
 * more than this without an answer.
 */
export const PRODUCER_RECENT_COUNT = 128;
/** Producers remembered; the one that was silent longest is forgotten first. */
export const PRODUCER_COUNT_MAX = 10_000;

/** One request of one producer inside an entry. */
export interface ProducerMark {
  readonly producerId: bigint;
  /** 1, 2, 3, ... */
  readonly sequence: number;
  /** Its first record, counted from the entry's base offset. */
  readonly relativeOffset: number;
  readonly count: number;
}

export type SequenceCheck =
  | { readonly kind: "new" }
  | {
    readonly kind: "duplicate";
    readonly offset: number;
    readonly count: number;
  }
  /** It was appended, longer ago than the table remembers offsets. */
  | { readonly kind: "forgotten" }
  | { readonly kind: "gap"; readonly expectedSequence: number };

interface Accepted {
  readonly sequence: number;
  readonly offset: number;
  readonly count: number;
}

export class ProducerTable {
  /** In the order of last use: the first is forgotten first. */
  readonly #recent = new Map<bigint, Accepted[]>();

  get producerCount(): number {
    return this.#recent.size;
  }

  knows(producerId: bigint): boolean {
    return this.#recent.has(producerId);
  }

  check(options: { producerId: bigint; sequence: number }): SequenceCheck {
    const recent = this.#recent.get(options.producerId);
    const last = recent?.at(-1);
    if (recent === undefined || last === undefined) return { kind: "new" };
    if (options.sequence === last.sequence + 1) return { kind: "new" };
    if (options.sequence > last.sequence) {
      return { kind: "gap", expectedSequence: last.sequence + 1 };
    }
    const known = recent.find((one) => one.sequence === options.sequence);
    if (known === undefined) return { kind: "forgotten" };
    return { kind: "duplicate", offset: known.offset, count: known.count };
  }

  /** The marks of one entry, in order. */
  apply(options: {
    readonly baseOffset: number;
    readonly marks: readonly ProducerMark[];
  }): void {
    for (const mark of options.marks) {
      this.#remember(mark.producerId, {
        sequence: mark.sequence,
        offset: options.baseOffset + mark.relativeOffset,
        count: mark.count,
      });
    }
  }

  /** The whole table as bytes, for a checkpoint. */
  encode(): Uint8Array {
    const writer = new ByteWriter();
    writer.varint(this.#recent.size);
    for (const [producerId, recent] of this.#recent) {
      writer.u64(producerId);
      writer.varint(recent.length);
      for (const one of recent) {
        writer.varint(one.sequence);
        writer.varint(one.offset);
        writer.varint(one.count);
      }
    }
    return writer.bytes();
  }

  /** Throws `corrupt` on bytes that `encode` did not make. */
  static decode(bytes: Uint8Array): ProducerTable {
    const reader = new ByteReader(bytes);
    const table = new ProducerTable();
    for (let left = reader.varint(); left > 0; left--) {
      const producerId = reader.u64();
      const recent: Accepted[] = [];
      for (let more = reader.varint(); more > 0; more--) {
        const sequence = reader.varint();
        const offset = reader.varint();
        recent.push({ sequence, offset, count: reader.varint() });
      }
      table.#recent.set(producerId, recent);
    }
    reader.expectEnd();
    return table;
  }

  #remember(producerId: bigint, accepted: Accepted): void {
    const recent = this.#recent.get(producerId) ?? [];
    recent.push(accepted);
    if (recent.length > PRODUCER_RECENT_COUNT) recent.shift();
    this.#recent.delete(producerId);
    this.#recent.set(producerId, recent);
    if (this.#recent.size > PRODUCER_COUNT_MAX) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const producerId of this.#recent.keys()) {
      this.#recent.delete(producerId);
      return;
    }
  }
}

/**
 * Marks as the meta bytes of an entry:
 * ```
 * +-------+----------------------------------------------------+
 * | count | count x { producer id u64 | sequence | first | n }  |
 * +-------+----------------------------------------------------+
 * ```
 * All but the id are varints. No marks are no bytes.
 */
export function encodeMarks(marks: readonly ProducerMark[]): Uint8Array {
  if (marks.length === 0) return new Uint8Array(0);
  const writer = new ByteWriter();
  writer.varint(marks.length);
  for (const mark of marks) {
    writer.u64(mark.producerId);
    writer.varint(mark.sequence);
    writer.varint(mark.relativeOffset);
    writer.varint(mark.count);
  }
  return writer.bytes();
}

/** Throws `corrupt` on bytes that `encodeMarks` did not make. */
export function decodeMarks(meta: Uint8Array): ProducerMark[] {
  const marks: ProducerMark[] = [];
  if (meta.length === 0) return marks;
  const reader = new ByteReader(meta);
  for (let left = reader.varint(); left > 0; left--) {
    const producerId = reader.u64();
    const sequence = reader.varint();
    const relativeOffset = reader.varint();
    marks.push({
      producerId,
      sequence,
      relativeOffset,
      count: reader.varint(),
    });
  }
  reader.expectEnd();
  return marks;
}
