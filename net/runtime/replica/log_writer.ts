/**
 * Writes what a Ready orders to the log, and keeps the view and the applier in
 * step with it. Entries are written at once; truncation and reset take their
 * time, in which Raft must not be called.
 */
import { assert, unreachable } from "../../../core/assert.ts";
import { encodeMarks } from "../../../core/cluster/producer_table.ts";
import type { Clock } from "../../../core/env.ts";
import { type LogIndex, logIndex, offset } from "../../../core/ids.ts";
import { ENTRY_HEADER_BYTES, type NewEntry } from "../../../core/log/entry.ts";
import type { Log } from "../../../core/log/log.ts";
import { encodeConfiguration } from "../../../core/raft/configuration_codec.ts";
import type {
  PersistEntry,
  Proposal as RaftProposal,
} from "../../../core/raft/ready.ts";
import type { Batch } from "./batch.ts";
import type { Applier } from "./applier.ts";
import { entryOf, groupNeighbours, joinNeighbours } from "./entries.ts";
import type { ReplicaLogView } from "./log_view.ts";

/** What Raft passes through from the proposal queue to the log. */
export interface BatchProposal extends RaftProposal {
  readonly batch: Batch;
}

type Entry = PersistEntry<BatchProposal>;

const NO_META = new Uint8Array(0);

export class LogWriter {
  readonly #log: Log;
  readonly #view: ReplicaLogView;
  readonly #applier: Applier;
  readonly #clock: Clock;

  constructor(parts: {
    readonly log: Log;
    readonly view: ReplicaLogView;
    readonly applier: Applier;
    readonly clock: Clock;
  }) {
    this.#log = parts.log;
    this.#view = parts.view;
    this.#applier = parts.applier;
    this.#clock = parts.clock;
  }

  async truncateFrom(index: LogIndex): Promise<void> {
    await this.#log.truncateFrom(index);
    this.#view.truncatedFrom(index);
    this.#applier.truncatedFrom(index);
  }

  /** Throws `disk_full` or `disk_failed`; those before the failure are written. */
  append(entries: readonly Entry[]): void {
    let raws: Uint8Array[] = [];
    for (const entry of entries) {
      if (entry.kind === "raw") {
        raws.push(entry.raw);
        continue;
      }
      this.#appendRaws(raws);
      raws = [];
      this.#appendOwn(entry);
    }
    this.#appendRaws(raws);
  }

  #appendRaws(raws: readonly Uint8Array[]): void {
    for (const group of groupNeighbours(raws)) {
      const before = this.#log.lastIndex;
      try {
        const result = this.#log.appendRaw(joinNeighbours(group));
        assert(result.ok, "Entries that were checked do not fit the log");
      } finally {
        this.#note(group, before);
      }
    }
  }

  /** Takes in those of `raws` that the log has since it ended at `before`. */
  #note(raws: readonly Uint8Array[], before: LogIndex): void {
    if (this.#log.lastIndex === before) return;
    for (const raw of raws) {
      const entry = entryOf(raw);
      const { index, term } = entry;
      if (index > this.#log.lastIndex) return;
      this.#view.appended({ index, term, sizeBytes: raw.length });
      this.#applier.read(entry);
    }
  }

  #appendOwn(entry: Exclude<Entry, { kind: "raw" }>): void {
    const { index, term } = entry;
    const content = this.#encode(entry);
    const baseOffset = this.#log.append(content);
    const recordCount = content.recordCount ?? 0;
    const sizeBytes = ENTRY_HEADER_BYTES + (content.meta?.length ?? 0) +
      (content.records?.length ?? 0);
    this.#view.appended({ index, term, sizeBytes });
    if (entry.kind === "data") entry.proposal.batch.baseOffset = baseOffset;
    this.#applier.appended({
      index,
      term,
      baseOffset,
      nextOffset: offset(baseOffset + recordCount),
      sizeBytes,
      marks: entry.kind === "data" ? entry.proposal.batch.marks : [],
    });
    if (entry.kind === "configuration") {
      const { configuration } = entry;
      this.#applier.configured({ index: logIndex(index), configuration });
    }
  }

  #encode(entry: Exclude<Entry, { kind: "raw" }>): NewEntry {
    const { index, term } = entry;
    const appendTimeMs = this.#clock.wallMs();
    switch (entry.kind) {
      case "data": {
        const { marks, records, recordCount } = entry.proposal.batch;
        const meta = marks.length === 0 ? NO_META : encodeMarks(marks);
        const data = { kind: "data", recordCount, meta, records } as const;
        return { index, term, appendTimeMs, ...data };
      }
      case "noop":
        return { index, term, appendTimeMs, kind: "noop" };
      case "configuration": {
        const meta = encodeConfiguration(entry.configuration);
        return { index, term, appendTimeMs, kind: "configuration", meta };
      }
      default:
        return unreachable(entry);
    }
  }
}
