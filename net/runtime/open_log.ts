/**
 * One log at work on a single node: the engine, its commit loop, retention and
 * producer table, opened and stopped together. What the rpc handlers serve.
 */
import type { Accepted, Proposal } from "../../core/cluster/proposal.ts";
import type { ProducerTable } from "../../core/cluster/producer_table.ts";
import type { Clock, Disk, Random, Scheduler } from "../../core/env.ts";
import type { ProglogError } from "../../core/errors.ts";
import { logIndex, type Offset, offset, term } from "../../core/ids.ts";
import { Log } from "../../core/log/log.ts";
import type { LogWriterConfig } from "../../core/log/log_writer.ts";
import type { RecoveryReport } from "../../core/log/recovery.ts";
import type { RetentionPolicy } from "../../core/log/retention.ts";
import { CommitLoop } from "./commit_loop.ts";
import type { FsyncPolicy } from "./fsync.ts";
import { ProducerCheckpoint } from "./producer_checkpoint.ts";
import { RetentionLoop } from "./retention_loop.ts";

/** The producer table is written again after this many bytes of records. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024;

export interface OpenLogOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly config: LogWriterConfig;
  readonly retention: RetentionPolicy;
  readonly fsync: FsyncPolicy;
  /** The log can take no more: its node must end. */
  readonly onFailure: (cause: ProglogError) => void;
}

export interface ReadRequest {
  readonly offset: Offset;
  readonly bytesMax: number;
  readonly offsetEnd: Offset;
  readonly headroomBytes: number;
}

export class OpenLog {
  readonly recovery: RecoveryReport;
  readonly #log: Log;
  readonly #commits: CommitLoop;
  readonly #retention: RetentionLoop;
  readonly #checkpoint: ProducerCheckpoint;
  readonly #producers: ProducerTable;
  #uncheckedBytes = 0;
  #writingCheckpoint: Promise<void> | undefined;

  static async open(options: OpenLogOptions): Promise<OpenLog> {
    const { log, recovery } = await Log.open({
      disk: options.disk,
      directory: `${options.directory}/log`,
      random: options.random,
      config: options.config,
    });
    return new OpenLog(options, log, recovery);
  }

  private constructor(
    options: OpenLogOptions,
    log: Log,
    recovery: RecoveryReport,
  ) {
    this.#log = log;
    this.recovery = recovery;
    this.#checkpoint = new ProducerCheckpoint(options.disk, options.directory);
    this.#producers = this.#checkpoint.restore(log);
    this.#commits = new CommitLoop({
      ...options,
      log,
      term: term(log.lastTerm + 1),
      producers: this.#producers,
      onCommit: (bytes) => this.#countForCheckpoint(bytes),
    });
    this.#retention = new RetentionLoop({
      log,
      policy: options.retention,
      clock: options.clock,
      scheduler: options.scheduler,
      keepFrom: () => logIndex(log.lastIndex + 1),
      onFailure: (error) => options.onFailure(error as ProglogError),
    });
    this.#retention.start();
  }

  get lowestOffset(): Offset {
    return this.#log.lowestOffset;
  }

  get nextOffset(): Offset {
    return this.#commits.nextOffset;
  }

  /** For `status`. */
  get facts() {
    return {
      lowestOffset: this.lowestOffset,
      nextOffset: this.nextOffset,
      lastIndex: this.#log.lastIndex,
      lastTerm: this.#log.lastTerm,
      segmentCount: this.#log.segmentFacts().length,
      sizeBytes: this.#log.sizeBytes,
      appendBlocked: this.#commits.appendBlocked?.message ?? "",
    };
  }

  propose(proposal: Proposal): Promise<Accepted> {
    return this.#commits.propose(proposal);
  }

  whenReadable(from: Offset, signal: AbortSignal): Promise<void> {
    return this.#commits.whenReadable(from, signal);
  }

  /** Undefined at the end of the log, and before its start. */
  read(request: ReadRequest) {
    const result = this.#log.read({
      offset: request.offset,
      bytesMax: request.bytesMax,
      limitOffset: offset(Math.min(request.offsetEnd, this.nextOffset)),
      headroomBytes: request.headroomBytes,
      oversized: "split",
    });
    if (!result.ok) return undefined;
    const { baseOffset, count, appendTimeMs, records } = result;
    return {
      baseOffset,
      count,
      appendTimeMs,
      term: result.term,
      buffer: new Uint8Array(
        records.buffer,
        0,
        records.byteOffset + records.length,
      ),
      recordsStart: records.byteOffset,
    };
  }

  offsetAtTime(timeMs: number): Offset {
    return offset(Math.min(this.#log.offsetAtTime(timeMs), this.nextOffset));
  }

  /** Drops whole segments that hold only records below `before`. */
  async trim(before: Offset): Promise<number> {
    const sizeBytes = this.#log.sizeBytes;
    const kept = this.#log.segmentFacts()
      .findLast((segment) => segment.startOffset <= before);
    if (kept !== undefined) await this.#log.dropBefore(kept.firstIndex);
    return sizeBytes - this.#log.sizeBytes;
  }

  async stop(): Promise<void> {
    await this.#commits.stop();
    await this.#retention.stop();
    await this.#writingCheckpoint;
    await this.#checkpoint.write(this.#producers, this.#log.lastIndex);
    await this.#log.close();
  }

  #countForCheckpoint(bytes: number): void {
    this.#uncheckedBytes += bytes;
    if (this.#uncheckedBytes < CHECKPOINT_BYTES) return;
    if (this.#writingCheckpoint !== undefined) return;
    this.#uncheckedBytes = 0;
    // A cache: a failure costs a longer start, nothing else.
    this.#writingCheckpoint = this.#checkpoint
      .write(this.#producers, this.#log.lastIndex)
      .catch(() => undefined)
      .finally(() => this.#writingCheckpoint = undefined);
  }
}
