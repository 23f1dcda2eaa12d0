/**
 * The log: segments of entries in a directory of its own. `append` writes,
 * `sync` makes durable, so that callers pay one sync for many appends. Entries
 * are numbered by Raft index; those of kind "data" hold records, which have
 * offsets. One caller at a time writes; reads may come between any two writes.
 *
 * The writing is in log_writer.ts, the reading in log_reader.ts, the opening in
 * recovery.ts; what is here joins them and changes the set of segments.
 */

import { assert } from "../assert.ts";
import type { Disk, Random } from "../env.ts";
import { isProglogError } from "../errors.ts";
import type { LogIndex, Offset, Term } from "../ids.ts";
import { leaveClosedMark } from "./closed_mark.ts";
import type { NewEntry } from "./entry.ts";
import {
  listLogFiles,
  LOCK_FILE_NAME,
  logFilePath,
  parentOf,
} from "./file_names.ts";
import type { LogFaults } from "./faults.ts";
import { corruptFile } from "./log_errors.ts";
import type { LogPoint } from "./log_point.ts";
import {
  type EntriesRequest,
  type EntryRange,
  LogReader,
  type ReadRequest,
  type ReadResult,
} from "./log_reader.ts";
import {
  type AppendRawResult,
  completeConfig,
  LogWriter,
  type LogWriterConfig,
} from "./log_writer.ts";
import { recoverSegments, type RecoveryReport } from "./recovery.ts";
import { decideReset, finishReset } from "./reset.ts";
import type { SegmentFacts } from "./retention.ts";
import { ActiveSegment, firstIndexOf, type SegmentInfo } from "./segment.ts";
import {
  readSegmentHeader,
  removeSegment,
  reopenSegment,
} from "./segment_files.ts";
import { SEGMENT_HEADER_BYTES } from "./segment_header.ts";
import { SegmentSet } from "./segment_set.ts";

export interface LogOptions {
  readonly disk: Disk;
  /** A directory for this log alone; made if it is not there. */
  readonly directory: string;
  readonly random: Random;
  readonly config?: Partial<LogWriterConfig>;
  /**
   * The caller knows from elsewhere (Raft's stable state) that entries up to
   * here were durable: opening refuses with `corrupt` to end below it.
   */
  readonly durableIndexMin?: LogIndex;
  /** Only the simulator's mutation check passes any. */
  readonly faults?: LogFaults;
}

export class Log {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #random: Random;
  readonly #lock: { release(): void };
  readonly #segments: SegmentSet;
  readonly #writer: LogWriter;
  readonly #reader: LogReader;
  /** The last of the changes to the set of segments, which run one by one. */
  #maintenance: Promise<void> = Promise.resolve();
  /** What keeps appends out at the moment, or null. */
  #busy: string | null = null;

  private constructor(
    options: LogOptions,
    lock: { release(): void },
    segments: SegmentSet,
  ) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#random = options.random;
    this.#lock = lock;
    this.#segments = segments;
    this.#reader = new LogReader(segments);
    this.#writer = new LogWriter(
      { ...options, config: completeConfig(options.config ?? {}) },
      segments,
    );
  }

  /**
   * Opens or creates the log in a directory and recovers it (recovery.ts). All
   * that is in it afterwards is durable. Throws `locked`, `corrupt` (with
   * `file` and `position` in its details), `disk_full`, `disk_failed`.
   */
  static async open(
    options: LogOptions,
  ): Promise<{ readonly log: Log; readonly recovery: RecoveryReport }> {
    const { disk, directory, random } = options;
    disk.makeDirectory(directory);
    await disk.syncDirectory(parentOf(directory));
    const lock = disk.lock(`${directory}/${LOCK_FILE_NAME}`);
    try {
      const { sealed, active, report } = await recoverSegments({
        disk,
        directory,
        random,
        durableIndexMin: options.durableIndexMin ?? 0 as LogIndex,
        faults: options.faults,
      });
      const segments = new SegmentSet(disk, directory, { sealed, active });
      return { log: new Log(options, lock, segments), recovery: report };
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Index of the first entry; `lastIndex + 1` in an empty log. */
  get firstIndex(): LogIndex {
    return firstIndexOf(this.#segments.first);
  }
  get lastIndex(): LogIndex {
    return this.#segments.active.point.index;
  }
  get lastTerm(): Term {
    return this.#segments.active.point.term;
  }
  /** Offset of the first record; `nextOffset` in a log without records. */
  get lowestOffset(): Offset {
    return this.#segments.first.header.start.offset;
  }
  /** Offset that the next record gets. */
  get nextOffset(): Offset {
    return this.#segments.active.point.offset;
  }
  /** The last entry that survives a crash. */
  get durableIndex(): LogIndex {
    return this.#writer.durableIndex;
  }
  /** The point before the first entry: what is known of what was dropped. */
  get startPoint(): LogPoint {
    return this.#segments.first.header.start;
  }
  /** The point behind the last entry. */
  get endPoint(): LogPoint {
    return this.#segments.active.point;
  }
  get sizeBytes(): number {
    return this.#segments.sizeBytes();
  }
  /** A write or sync failed; writes are refused until the log is reopened. */
  get isPoisoned(): boolean {
    return this.#writer.isPoisoned;
  }

  /**
   * Writes one entry, which must have the next index and no lower term, and
   * returns the offset of its first record. Durable after `sync()`. Throws
   * `disk_full` and `disk_failed`; then nothing was appended.
   */
  append(entry: NewEntry): Offset {
    this.#assertFree("append");
    return this.#writer.append(entry);
  }

  /**
   * Checks and writes entries as they came from another log; takes over the
   * bytes (and changes their place fields). On a disk error, entries up to
   * `lastIndex` were appended.
   */
  appendRaw(bytes: Uint8Array): AppendRawResult {
    this.#assertFree("append");
    return this.#writer.appendRaw(bytes);
  }

  /**
   * Resolves when all that was appended before the call is durable. Rejects
   * with `disk_failed`; the log is poisoned then (log_writer.ts).
   */
  sync(): Promise<void> {
    return this.#writer.sync();
  }

  read(request: ReadRequest): ReadResult {
    return this.#reader.read(request);
  }

  /** Raw entries for replication; null where `from` is outside of the log. */
  entriesFrom(request: EntriesRequest): EntryRange | null {
    return this.#reader.entriesFrom(request);
  }

  /** Term of an entry or of the one before the first; null for any other. */
  termAt(index: LogIndex): Term | null {
    return this.#reader.termAt(index);
  }

  /** Offset of the first entry appended at or after `timeMs`; else `nextOffset`. */
  offsetAtTime(timeMs: number): Offset {
    return this.#reader.offsetAtTime(timeMs);
  }

  /** For `planRetention`. */
  segmentFacts(): SegmentFacts[] {
    const all = [...this.#segments.sealed, this.#segments.active.info];
    const { active } = this.#segments;
    return all.map((segment, i) => {
      const next = all[i + 1]?.header;
      return {
        firstIndex: firstIndexOf(segment),
        startOffset: segment.header.start.offset,
        lastIndex: next?.start.index ?? active.point.index,
        sizeBytes: this.#segments.endOf(segment),
        timeMaxMs: next?.timeMaxBeforeMs ?? active.timeMaxMs,
      };
    });
  }

  /**
   * Removes the entries from `index` on, durably: until it resolves no entry
   * may be appended, or a crash could bring back old entries behind new ones.
   */
  truncateFrom(index: LogIndex): Promise<void> {
    assert(
      index >= this.firstIndex,
      `Cannot truncate from index ${index} as the log starts at ${this.firstIndex}`,
    );
    return this.#change("truncate", async () => {
      if (index > this.lastIndex) return;
      await this.#writer.sync();
      await this.#truncate(index);
    });
  }

  async #truncate(index: LogIndex): Promise<void> {
    const target = this.#segments.holdingIndex(index);
    const { active } = this.#segments;
    const later = [...this.#segments.sealed, active.info]
      .filter((segment) => firstIndexOf(segment) > firstIndexOf(target));
    const kept = target === active.info
      ? active
      : reopenSegment(this.#disk, target);
    kept.forgetFrom(index);
    this.#reader.forgetCursors();
    if (kept !== active) {
      this.#segments.cutTo(kept);
      active.file.close();
      this.#removeIndex(target);
    }
    this.#writer.restart();
    for (const segment of later.toReversed()) {
      await removeSegment(this.#disk, this.#directory, firstIndexOf(segment));
    }
    kept.file.truncate(kept.endPosition);
    await kept.file.sync();
  }

  #removeIndex(segment: SegmentInfo): void {
    const first = firstIndexOf(segment);
    const path = logFilePath(this.#directory, "index", first);
    if (this.#disk.exists(path)) this.#disk.remove(path);
  }

  /**
   * Drops whole segments of entries below `index` from the front, as far as
   * they are sealed and durable. Resolves to how many, when that is durable.
   */
  async dropBefore(index: LogIndex): Promise<number> {
    let dropped = 0;
    await this.#changeBeside(async () => {
      while (this.#canDropFirst(index)) {
        const first = this.firstIndex;
        this.#segments.dropFirst();
        this.#reader.forgetCursors();
        await removeSegment(this.#disk, this.#directory, first);
        dropped += 1;
      }
    });
    return dropped;
  }

  #canDropFirst(index: LogIndex): boolean {
    const { sealed, active } = this.#segments;
    if (sealed.length === 0) return false;
    const next = sealed[1] ?? active.info;
    return next.header.start.index < index &&
      this.#writer.isSegmentDurable(next);
  }

  /**
   * Forgets everything, durably, and starts anew after `start`: the next entry
   * has index `start.index + 1`, the next record offset `start.offset`. A crash
   * leaves the old log or the new one. No reads may come until it resolves.
   * Rejects with `disk_full` where there is no room for the new log; the old one
   * goes on then, and it may be tried again.
   */
  async resetTo(start: LogPoint): Promise<void> {
    let refusal: unknown;
    await this.#change("reset", async () => {
      await this.#writer.sync();
      const salt = this.#random.nextU32();
      try {
        await decideReset(this.#disk, this.#directory, { start, salt });
      } catch (error) {
        if (!isUndecided(error, this.#disk, this.#directory)) throw error;
        refusal = error;
        return;
      }
      this.#segments.close();
      await finishReset(this.#disk, this.#directory);
      this.#segments.replaceBy(this.#openFirst(start));
      this.#reader.forgetCursors();
      this.#writer.restart();
    });
    if (refusal !== undefined) throw refusal;
  }

  #openFirst(start: LogPoint): ActiveSegment {
    const first = start.index + 1 as LogIndex;
    const path = logFilePath(this.#directory, "segment", first);
    const file = this.#disk.open(path, "existing");
    const header = readSegmentHeader(file);
    if (header === null) throw corruptFile(path, 0, "its header is damaged");
    const info = { path, header, sizeBytes: SEGMENT_HEADER_BYTES };
    return new ActiveSegment(info, file);
  }

  /**
   * Syncs, marks an orderly end, and gives up files and lock. Gives them up
   * also when it rejects, which it does for a poisoned log.
   */
  close(): Promise<void> {
    const closed = this.#change("close", async () => {
      await this.#writer.sync();
      await leaveClosedMark(this.#disk, this.#directory, this.lastIndex);
    });
    return closed.finally(() => {
      this.#busy = "closed";
      this.#writer.closeRolled();
      this.#segments.close();
      this.#lock.release();
    });
  }

  /** Runs a change that keeps appends out, after those before it. */
  #change(name: string, run: () => Promise<void>): Promise<void> {
    assert(
      this.#busy === null,
      `Cannot ${name} while the log is busy: ${this.#busy}`,
    );
    this.#busy = name;
    return this.#changeBeside(run).finally(() => {
      this.#busy = null;
    });
  }

  /** Runs a change after those before it; its failure poisons the log. */
  #changeBeside(run: () => Promise<void>): Promise<void> {
    const change = this.#maintenance.then(async () => {
      this.#writer.refuseIfPoisoned("change the log");
      try {
        await run();
      } catch (error) {
        this.#writer.poison(error);
        throw error;
      }
    });
    this.#maintenance = change.then(() => {}, () => {});
    return change;
  }

  #assertFree(action: string): void {
    assert(
      this.#busy === null,
      `Cannot ${action} while the log is busy: ${this.#busy}`,
    );
  }
}

/** There was no room for the new log, and nothing of it is left. */
function isUndecided(error: unknown, disk: Disk, directory: string): boolean {
  return isProglogError(error, "disk_full") &&
    listLogFiles(disk, directory).resets.length === 0;
}
