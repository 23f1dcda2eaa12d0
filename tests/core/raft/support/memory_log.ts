/**
 * A log and a state file in memory, with explicit sync: a crash keeps what was
 * synced. Stands in for the log engine in scenarios, schedules and the first
 * stage of the simulator. The raw bytes of an entry are its JSON text and a line
 * feed.
 */
import {
  type LogIndex,
  logIndex,
  offset,
  type Term,
  term,
} from "../../../../core/ids.ts";
import { ProglogError } from "../../../../core/errors.ts";
import type {
  Configuration,
  ConfigurationEntry,
} from "../../../../core/raft/configuration.ts";
import type { LogStart, LogView } from "../../../../core/raft/log_view.ts";
import type { ReceivedEntry } from "../../../../core/raft/messages.ts";
import type {
  HardState,
  Persist,
  PersistEntry,
  Proposal,
} from "../../../../core/raft/ready.ts";

const LINE_FEED = 0x0a;

export interface TextProposal extends Proposal {
  readonly text: string;
}

export interface MemoryEntry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: "data" | "noop" | "configuration";
  readonly text: string;
  readonly configuration: Configuration | undefined;
  readonly raw: Uint8Array;
}

/** All that a node keeps on disk. */
export interface DiskImage {
  /** Counts the writes that made it. */
  readonly number: number;
  readonly hardState: HardState | undefined;
  readonly start: LogStart;
  readonly startConfiguration: Configuration;
  readonly state: Uint8Array;
  readonly entries: readonly MemoryEntry[];
}

const EMPTY: DiskImage = {
  number: 0,
  hardState: undefined,
  start: { index: logIndex(0), term: term(0), nextOffset: offset(0) },
  startConfiguration: { members: [] },
  state: new Uint8Array(),
  entries: [],
};

export class MemoryLog implements LogView {
  #written: DiskImage = EMPTY;
  #durable: DiskImage = EMPTY;
  /** What the disk held after each write that is not yet synced. */
  #unsynced: DiskImage[] = [];

  get start(): LogStart {
    return this.#written.start;
  }

  get lastIndex(): LogIndex {
    return this.#written.entries.at(-1)?.index ?? this.start.index;
  }

  get hardState(): HardState | undefined {
    return this.#written.hardState;
  }

  get state(): Uint8Array {
    return this.#written.state;
  }

  get startConfiguration(): Configuration {
    return this.#written.startConfiguration;
  }

  get durable(): DiskImage {
    return this.#durable;
  }

  get entries(): readonly MemoryEntry[] {
    return this.#written.entries;
  }

  configurations(): ConfigurationEntry[] {
    const first = {
      index: this.start.index,
      configuration: this.#written.startConfiguration,
    };
    const later = this.entries.flatMap(({ index, configuration }) =>
      configuration === undefined ? [] : [{ index, configuration }]
    );
    return [first, ...later];
  }

  entryAt(index: number): MemoryEntry | undefined {
    return this.entries[index - this.start.index - 1];
  }

  termAt(index: LogIndex): Term {
    if (index === this.start.index) return this.start.term;
    const entry = this.entryAt(index);
    if (entry === undefined) throw new RangeError(`No entry ${index}`);
    return entry.term;
  }

  measure(
    range: { from: LogIndex; to: LogIndex; bytesMax: number },
  ): { to: LogIndex; sizeBytes: number } {
    let sizeBytes = 0;
    let to = logIndex(range.from - 1);
    while (to < range.to) {
      const next = this.entryAt(to + 1);
      if (next === undefined) throw new RangeError(`No entry ${to + 1}`);
      const isTooMuch = sizeBytes + next.raw.length > range.bytesMax;
      if (sizeBytes > 0 && isTooMuch) break;
      sizeBytes += next.raw.length;
      to = next.index;
    }
    return { to, sizeBytes };
  }

  read(range: { from: LogIndex; to: LogIndex }): ReceivedEntry[] {
    const first = range.from - this.start.index - 1;
    const count = range.to - range.from + 1;
    return this.entries.slice(first, first + count).map(toReceived);
  }

  write(persist: Persist<TextProposal>): void {
    this.#change(persist);
    this.#written = { ...this.#written, number: this.#written.number + 1 };
    this.#unsynced.push(this.#written);
  }

  #change(persist: Persist<TextProposal>): void {
    const { hardState, reset, truncateFrom, entries } = persist;
    if (hardState) this.#written = { ...this.#written, hardState };
    if (reset) {
      const { start, configuration: startConfiguration } = reset;
      const state = joined(reset.state);
      this.#written = {
        ...this.#written,
        start,
        startConfiguration,
        state,
        entries: [],
      };
    }
    if (truncateFrom !== undefined) {
      const kept = this.entries.filter((entry) => entry.index < truncateFrom);
      this.#written = { ...this.#written, entries: kept };
    }
    if (entries.length === 0) return;
    const added = [...this.entries, ...entries.map(toMemoryEntry)];
    this.#written = { ...this.#written, entries: added };
  }

  /** Moves the start of the log, as retention does; durable at once. */
  compact(to: { index: LogIndex; configuration: Configuration }): void {
    const start = {
      index: to.index,
      term: this.termAt(to.index),
      nextOffset: offset(to.index),
    };
    const state = new TextEncoder().encode(`state at ${to.index}`);
    const cut = (image: DiskImage): DiskImage => ({
      ...image,
      start,
      startConfiguration: to.configuration,
      state,
      entries: image.entries.filter((entry) => entry.index > to.index),
    });
    this.#written = cut(this.#written);
    this.#durable = cut(this.#durable);
    this.#unsynced = this.#unsynced.map(cut);
  }

  /** What a sync that starts now will make durable. */
  image(): DiskImage {
    return this.#written;
  }

  synced(image: DiskImage): void {
    const count =
      this.#unsynced.findLastIndex((it) => it.number <= image.number) + 1;
    // As it is now: its beginning may have been trimmed since.
    this.#durable = this.#unsynced.splice(0, count).at(-1) ?? this.#durable;
  }

  /**
   * Power loss. Of the writes that were not synced some first ones may have
   * reached the disk: `survivors(n)` says how many of `n`, for the log and for
   * the hard state, which are two files.
   */
  crash(survivors: (count: number) => number = () => 0): void {
    const images = [this.#durable, ...this.#unsynced];
    const imageAfter = (count: number): DiskImage =>
      images[count] ?? this.#durable;
    const log = imageAfter(survivors(this.#unsynced.length));
    const { hardState } = imageAfter(survivors(this.#unsynced.length));
    this.#durable = { ...log, hardState };
    this.#written = this.#durable;
    this.#unsynced = [];
  }
}

export function bytesOf(content: {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: MemoryEntry["kind"];
  readonly text: string;
  readonly configuration: Configuration | undefined;
}): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(content) + "\n");
}

/** Splits raw bytes of several entries. */
export function parseEntries(raw: Uint8Array): ReceivedEntry[] {
  const entries: ReceivedEntry[] = [];
  let from = 0;
  while (from < raw.length) {
    const end = raw.indexOf(LINE_FEED, from) + 1;
    if (end === 0) throw new ProglogError("corrupt", "An entry has no end");
    entries.push(toReceived(parseRaw(raw.subarray(from, end))));
    from = end;
  }
  return entries;
}

export function parseRaw(raw: Uint8Array): MemoryEntry {
  const parsed = JSON.parse(new TextDecoder().decode(raw)) as MemoryEntry;
  return { ...parsed, configuration: parsed.configuration, raw };
}

function toMemoryEntry(entry: PersistEntry<TextProposal>): MemoryEntry {
  if (entry.kind === "raw") return parseRaw(entry.raw);
  const { index, term, kind } = entry;
  const text = entry.kind === "data" ? entry.proposal.text : "";
  const configuration = entry.kind === "configuration"
    ? entry.configuration
    : undefined;
  const content = { index, term, kind, text, configuration };
  return { ...content, raw: bytesOf(content) };
}

export function toReceived(entry: MemoryEntry): ReceivedEntry {
  const { index, term, raw, kind, configuration } = entry;
  if (kind !== "configuration") return { kind, index, term, raw };
  if (configuration === undefined) throw new TypeError("No configuration");
  return { kind, index, term, raw, configuration };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const all = new Uint8Array(size);
  let position = 0;
  for (const part of parts) {
    all.set(part, position);
    position += part.length;
  }
  return all;
}
