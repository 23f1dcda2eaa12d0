/**
 * The writing half of the log: appends, rolls, repairs, and makes durable.
 *
 * What happens when the disk refuses:
 * 1. A failed append is cut off again; the log goes on as if it had not been
 *    called. If it cannot be cut off, the log is poisoned.
 * 2. A failed sync poisons the log: Linux may have dropped the unsynced pages
 *    and marked them clean, so that a second sync would succeed for nothing.
 * 3. A poisoned log refuses to write until it was closed and opened again, which
 *    checks and rewrites what was not durable (see recovery.ts). It can be read.
 */

import { assert } from "../assert.ts";
import { allocateWindow, type ByteWindow, byteWindow } from "../bytes.ts";
import type { Disk, DiskFile, Random } from "../env.ts";
import { ProglogError } from "../errors.ts";
import type { LogIndex, Offset } from "../ids.ts";
import { SEGMENT_BYTES_DEFAULT, SEGMENT_BYTES_MAX } from "../limits.ts";
import {
  checkEntry,
  encodeEntry,
  type EntryFault,
  type EntryHeader,
  entryLengthBytes,
  type NewEntry,
  sealPlace,
} from "./entry.ts";
import { logFilePath } from "./file_names.ts";
import { poisoned } from "./log_errors.ts";
import { follows, pointAfter } from "./log_point.ts";
import { firstIndexOf, type SegmentInfo } from "./segment.ts";
import { createSegment } from "./segment_files.ts";
import type { SegmentSet } from "./segment_set.ts";
import { SyncGate } from "./sync_gate.ts";

const SCRATCH_BYTES_MAX = 1024 * 1024;

export interface LogWriterConfig {
  /** A segment is rolled before it grows past this, unless it holds one entry. */
  readonly segmentBytesMax: number;
  /** A segment whose first entry is this old takes no further ones. */
  readonly segmentAgeMaxMs: number;
}

/** Fills in what is not given. Throws `invalid_argument`. */
export function completeConfig(
  config: Partial<LogWriterConfig>,
): LogWriterConfig {
  const segmentBytesMax = config.segmentBytesMax ?? SEGMENT_BYTES_DEFAULT;
  if (!(segmentBytesMax > 0 && segmentBytesMax <= SEGMENT_BYTES_MAX)) {
    throw new ProglogError(
      "invalid_argument",
      `Cannot use segments of ${segmentBytesMax} bytes as ${SEGMENT_BYTES_MAX} is the limit`,
    );
  }
  return {
    segmentBytesMax,
    segmentAgeMaxMs: config.segmentAgeMaxMs ?? Infinity,
  };
}

export type AppendRawResult =
  | { readonly ok: true; readonly count: number; readonly lastIndex: LogIndex }
  | {
    readonly ok: false;
    readonly reason: EntryFault;
    /** Where in the bytes the fault lies; nothing of them was appended. */
    readonly position: number;
  };

export class LogWriter {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #random: Random;
  readonly #config: LogWriterConfig;
  readonly #segments: SegmentSet;
  readonly #gate = new SyncGate(() => this.#syncOnce());
  #durableIndex: LogIndex;
  /** Start of the last segment whose file and name are durable. */
  #durableSegmentStart: LogIndex;
  #isActiveDirty = false;
  #isDirectoryDirty = false;
  /** Files of segments that were rolled away from and await their sync. */
  #rolledFiles: DiskFile[] = [];
  #poison: { readonly cause: unknown } | null = null;
  #scratch = allocateWindow(64 * 1024);

  constructor(
    options: {
      readonly disk: Disk;
      readonly directory: string;
      readonly random: Random;
      readonly config: LogWriterConfig;
    },
    segments: SegmentSet,
  ) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#random = options.random;
    this.#config = options.config;
    this.#segments = segments;
    this.#durableIndex = segments.active.point.index;
    this.#durableSegmentStart = segments.active.info.header.start.index;
  }

  /** Everything up to here survives a crash. */
  get durableIndex(): LogIndex {
    return this.#durableIndex;
  }

  /** Whether the file of a segment, empty or not, survives a crash. */
  isSegmentDurable(segment: SegmentInfo): boolean {
    return segment.header.start.index <= this.#durableSegmentStart;
  }

  get isPoisoned(): boolean {
    return this.#poison !== null;
  }

  /** Ends all writing, because of `cause`, until the log is opened again. */
  poison(cause: unknown): void {
    this.#poison ??= { cause };
  }

  refuseIfPoisoned(action: string): void {
    if (this.#poison !== null) throw poisoned(action, this.#poison.cause);
  }

  append(entry: NewEntry): Offset {
    this.refuseIfPoisoned("append");
    const { point } = this.#segments.active;
    assert(
      entry.index === point.index + 1 && entry.term >= point.term,
      `Cannot append entry ${entry.index} of term ${entry.term} after entry ${point.index} of term ${point.term}`,
    );
    const header = headerOf(entry, point.offset);
    this.#rollIfFull(header);
    const window = this.#takeScratch(header.lengthBytes);
    encodeEntry({ ...entry, baseOffset: point.offset }, window, 0);
    this.#place(window, 0, {
      index: header.index,
      position: this.#segments.active.endPosition,
    });
    this.#write(window.bytes.subarray(0, header.lengthBytes), [header]);
    return point.offset;
  }

  appendRaw(bytes: Uint8Array): AppendRawResult {
    this.refuseIfPoisoned("append");
    const window = byteWindow(bytes);
    const headers: EntryHeader[] = [];
    let point = this.#segments.active.point;
    for (let at = 0; at < bytes.length;) {
      const check = checkEntry(window, at, bytes.length);
      if (!check.ok) return { ...check, position: at };
      if (!follows(point, check.header)) {
        return { ok: false, reason: "order", position: at };
      }
      point = pointAfter(check.header);
      headers.push(check.header);
      at += check.header.lengthBytes;
    }
    this.#writeRuns(window, headers);
    return { ok: true, count: headers.length, lastIndex: point.index };
  }

  /** One write per segment that the entries go to. */
  #writeRuns(window: ByteWindow, headers: readonly EntryHeader[]): void {
    let runStart = 0;
    let run: EntryHeader[] = [];
    let at = 0;
    const flush = () => {
      if (run.length > 0) this.#write(window.bytes.subarray(runStart, at), run);
      run = [];
      runStart = at;
    };
    for (const header of headers) {
      if (this.#isFullFor(header, { pendingBytes: at - runStart })) {
        flush();
        this.#rollIfFull(header);
      }
      const position = this.#segments.active.endPosition + at - runStart;
      this.#place(window, at, { index: header.index, position });
      run.push(header);
      at += header.lengthBytes;
    }
    flush();
  }

  #place(
    window: ByteWindow,
    at: number,
    { index, position }: {
      readonly index: LogIndex;
      readonly position: number;
    },
  ): void {
    sealPlace(window, at, {
      salt: this.#segments.active.info.header.salt,
      position,
      unsyncedEntries: index - 1 - this.#durableIndex,
    });
  }

  /** Writes whole entries at the end, or nothing. */
  #write(bytes: Uint8Array, headers: readonly EntryHeader[]): void {
    const { active } = this.#segments;
    this.#isActiveDirty = true;
    try {
      active.file.writeAt(bytes, active.endPosition);
    } catch (error) {
      this.#cutPartialWrite();
      throw error;
    }
    for (const header of headers) active.note(header);
  }

  #cutPartialWrite(): void {
    const { active } = this.#segments;
    try {
      active.file.truncate(active.endPosition);
    } catch (error) {
      this.poison(error);
    }
  }

  #isFullFor(
    header: EntryHeader,
    { pendingBytes }: { readonly pendingBytes: number },
  ): boolean {
    const { active } = this.#segments;
    const used = active.endPosition + pendingBytes;
    if (active.firstTimeMs === null) {
      return pendingBytes > 0 && this.#isOver(used, header);
    }
    const ageMs = header.appendTimeMs - active.firstTimeMs;
    return this.#isOver(used, header) || ageMs >= this.#config.segmentAgeMaxMs;
  }

  #isOver(usedBytes: number, header: EntryHeader): boolean {
    return usedBytes + header.lengthBytes > this.#config.segmentBytesMax;
  }

  #rollIfFull(header: EntryHeader): void {
    if (this.#isFullFor(header, { pendingBytes: 0 })) this.#roll();
  }

  #roll(): void {
    const { active } = this.#segments;
    const firstIndex = active.point.index + 1 as LogIndex;
    const path = logFilePath(this.#directory, "segment", firstIndex);
    try {
      const next = createSegment(this.#disk, path, {
        salt: this.#random.nextU32(),
        start: active.point,
        durableIndex: this.#durableIndex,
        previousSizeBytes: active.endPosition,
        previousFirstIndex: firstIndexOf(active.info),
        timeMaxBeforeMs: active.timeMaxMs,
      });
      this.#rolledFiles.push(active.file);
      this.#segments.roll(next);
    } catch (error) {
      if (this.#disk.exists(path)) this.poison(error);
      throw error;
    }
    this.#isActiveDirty = true;
    this.#isDirectoryDirty = true;
  }

  /** Resolves when all that was appended before the call is durable. */
  sync(): Promise<void> {
    return this.#gate.pass();
  }

  async #syncOnce(): Promise<void> {
    this.refuseIfPoisoned("sync");
    const { active } = this.#segments;
    const lastIndex = active.point.index;
    const rolled = this.#rolledFiles;
    const work = rolled.map((file) => file.sync());
    if (this.#isActiveDirty) work.push(active.file.sync());
    if (this.#isDirectoryDirty) {
      work.push(this.#disk.syncDirectory(this.#directory));
    }
    this.#rolledFiles = [];
    this.#isActiveDirty = false;
    this.#isDirectoryDirty = false;
    const results = await Promise.allSettled(work);
    for (const file of rolled) file.close();
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) {
      this.poison(failed.reason);
      throw failed.reason;
    }
    this.#durableIndex = lastIndex;
    this.#durableSegmentStart = active.info.header.start.index;
  }

  /** After the log was cut back or reset, and all that is left is durable. */
  restart(): void {
    const { active } = this.#segments;
    this.#durableIndex = active.point.index;
    this.#durableSegmentStart = active.info.header.start.index;
  }

  closeRolled(): void {
    for (const file of this.#rolledFiles) file.close();
    this.#rolledFiles = [];
  }

  #takeScratch(count: number): ByteWindow {
    if (count <= this.#scratch.bytes.length) return this.#scratch;
    const window = allocateWindow(count);
    if (count <= SCRATCH_BYTES_MAX) this.#scratch = window;
    return window;
  }
}

function headerOf(entry: NewEntry, baseOffset: Offset): EntryHeader {
  return {
    lengthBytes: entryLengthBytes(entry),
    kind: entry.kind,
    codec: entry.codec ?? "none",
    index: entry.index,
    term: entry.term,
    baseOffset,
    appendTimeMs: entry.appendTimeMs,
    recordCount: entry.recordCount ?? 0,
    metaLengthBytes: entry.meta?.length ?? 0,
  };
}
