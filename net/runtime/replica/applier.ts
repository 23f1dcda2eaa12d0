/**
 * The replicated state of one log: what is committed, which producers are known,
 * who belongs to the cluster. Follows every entry that comes into the log, goes
 * out again, or is committed; applies each once. No disk.
 *
 * Invariants:
 * 1. `#tail` holds the entries above `appliedIndex` to the end of the log.
 * 2. `producers.table` and `nextOffset` are a function of the entries up to
 *    `appliedIndex`, and of nothing else.
 */
import { assert } from "../../../core/assert.ts";
import type { ProducerMark } from "../../../core/cluster/producer_table.ts";
import {
  decodeMarks,
  ProducerTable,
} from "../../../core/cluster/producer_table.ts";
import {
  type LogIndex,
  logIndex,
  type Offset,
  offset,
  type Term,
} from "../../../core/ids.ts";
import type { Entry } from "../../../core/log/entry.ts";
import type { ConfigurationEntry } from "../../../core/raft/configuration.ts";
import { decodeConfiguration } from "../../../core/raft/configuration_codec.ts";
import type { LogStart } from "../../../core/raft/log_view.ts";
import type { AppliedState } from "./applied_state.ts";
import type { EntryWaiters } from "./entry_waiters.ts";
import { Producers } from "./producers.ts";
import { NO_REPLICA_FAULTS, type ReplicaFaults } from "./types.ts";

/** An entry of the log that is not yet known to be committed. */
export interface TailEntry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly baseOffset: Offset;
  readonly nextOffset: Offset;
  readonly sizeBytes: number;
  readonly marks: readonly ProducerMark[];
}

const NO_MARKS: readonly ProducerMark[] = [];

export class Applier {
  readonly producers: Producers;
  readonly #faults: ReplicaFaults;
  #applied: LogStart;
  #tail: TailEntry[] = [];
  /** Where the tail begins in `#tail`; what is before was applied. */
  #head = 0;
  #configurations: ConfigurationEntry[];
  #appliedBytes = 0;

  constructor(state: AppliedState, faults = NO_REPLICA_FAULTS) {
    this.#faults = faults;
    this.#applied = state.at;
    this.#configurations = [...state.configurations];
    this.producers = new Producers(ProducerTable.decode(state.producers));
  }

  /** The last entry that was applied. */
  get applied(): LogStart {
    return this.#applied;
  }

  /** The offset after the last committed record. */
  get nextOffset(): Offset {
    return this.#applied.nextOffset;
  }

  /** Bytes of all entries applied since the start. */
  get appliedBytes(): number {
    return this.#appliedBytes;
  }

  /** In index order, with those that are not committed. */
  get configurations(): readonly ConfigurationEntry[] {
    return this.#configurations;
  }

  /** An entry of the log, at start or from a leader. */
  read(entry: Entry): void {
    if (entry.kind === "configuration") {
      const configuration = decodeConfiguration(entry.meta);
      this.#configurations.push({ index: entry.index, configuration });
    }
    const hasMarks = entry.kind === "data" && entry.meta.length > 0;
    this.appended({
      index: entry.index,
      term: entry.term,
      baseOffset: entry.baseOffset,
      nextOffset: offset(entry.baseOffset + entry.recordCount),
      sizeBytes: entry.lengthBytes,
      marks: hasMarks ? decodeMarks(entry.meta) : NO_MARKS,
    });
  }

  /** An entry is at the end of the log now; `configured` follows for its kind. */
  appended(entry: TailEntry): void {
    assert(
      entry.index === this.#lastIndex + 1,
      `Entry ${entry.index} does not follow ${this.#lastIndex}`,
    );
    this.#tail.push(entry);
    if (entry.marks.length === 0) return;
    if (this.#faults.has("forget_appended_producers")) return;
    this.producers.appended(entry);
  }

  configured(entry: ConfigurationEntry): void {
    this.#configurations.push(entry);
  }

  truncatedFrom(index: LogIndex): void {
    assert(index > this.#applied.index, `Entry ${index} was applied`);
    for (let last = this.#last; last !== undefined; last = this.#last) {
      if (last.index < index) break;
      this.#tail.pop();
      if (last.marks.length > 0) this.producers.truncated(last);
    }
    while ((this.#configurations.at(-1)?.index ?? 0) >= index) {
      this.#configurations.pop();
    }
  }

  /** Applies what is committed; returns whether there are new records. */
  commitTo(index: LogIndex, waiters: EntryWaiters): boolean {
    const before = this.nextOffset;
    while (this.#applied.index < index) {
      const entry = this.#tail[this.#head];
      assert(entry !== undefined, `Entry ${index} is committed, not there`);
      this.#head += 1;
      this.#apply(entry);
      waiters.committed(entry.index, entry.term);
    }
    this.#compact();
    return this.nextOffset > before;
  }

  #apply(entry: TailEntry): void {
    const { index, term, nextOffset } = entry;
    if (entry.marks.length > 0) {
      this.producers.committed(entry);
      if (this.#faults.has("apply_twice")) this.producers.committed(entry);
    }
    this.#applied = { index, term, nextOffset };
    this.#appliedBytes += entry.sizeBytes;
  }

  /** The log begins anew with this state. */
  reset(state: AppliedState): void {
    this.#applied = state.at;
    this.#tail = [];
    this.#head = 0;
    this.#configurations = [...state.configurations];
    this.producers.reset(ProducerTable.decode(state.producers));
  }

  /** The log begins at `index` now: forgets configurations before that one. */
  startAfter(index: LogIndex): void {
    const keep = this.#configurations.findLastIndex((it) => it.index <= index);
    if (keep > 0) this.#configurations.splice(0, keep);
  }

  /** As a checkpoint; only while the last applied entry is durable. */
  checkpoint(): AppliedState {
    return {
      reason: "checkpoint",
      at: this.#applied,
      configurations: this.#configurations.filter((entry) =>
        entry.index <= this.#applied.index
      ),
      producers: this.producers.table.encode(),
    };
  }

  get #last(): TailEntry | undefined {
    return this.#tail.length > this.#head ? this.#tail.at(-1) : undefined;
  }

  get #lastIndex(): LogIndex {
    return this.#last?.index ?? logIndex(this.#applied.index);
  }

  #compact(): void {
    if (this.#head < 1_024 && this.#head < this.#tail.length) return;
    this.#tail = this.#tail.slice(this.#head);
    this.#head = 0;
  }
}
