/**
 * Makes writes durable, one sync at a time for the hard state and the log: all
 * that is written while one runs is served by the next (group commit). Counts by
 * the numbers of Readies.
 *
 * With `--fsync interval` or `never` the log counts as durable as soon as it is
 * written; a power loss on a majority may then take acknowledged records, and a
 * restarted node may have forgotten entries that it acknowledged. Terms and
 * votes are synced in any case.
 */
import type { Clock, Scheduler } from "../../../core/env.ts";
import type { Log } from "../../../core/log/log.ts";
import type { HardState } from "../../../core/raft/ready.ts";
import type { FsyncPolicy } from "../fsync.ts";
import type { StateFile } from "./state_file.ts";

export interface SyncGroupOptions {
  readonly log: Log;
  readonly stateFile: StateFile;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly fsync: FsyncPolicy;
  /** A sync has ended: `durableNumber` may have grown. */
  readonly onSynced: () => void;
  readonly onFailure: (cause: unknown) => void;
}

export class SyncGroup {
  readonly #options: SyncGroupOptions;
  #hardState: HardState | undefined;
  #writtenNumber = 0;
  #durableNumber = 0;
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #lastSyncMs = 0;

  constructor(options: SyncGroupOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** The last Ready that wrote something. */
  get writtenNumber(): number {
    return this.#writtenNumber;
  }

  /** Everything that was written up to this Ready is durable. */
  get durableNumber(): number {
    return this.#durableNumber;
  }

  /** How long the last sync took. */
  get lastSyncMs(): number {
    return this.#lastSyncMs;
  }

  /** Ready `number` wrote to the log, and asks for this hard state. */
  wrote(number: number, hardState: HardState | undefined): void {
    this.#writtenNumber = number;
    this.#hardState = hardState ?? this.#hardState;
  }

  /** Starts a sync, if one is due and none runs. */
  start(): void {
    if (this.#durableNumber >= this.#writtenNumber) return;
    const { clock, fsync, onSynced, onFailure } = this.#options;
    if (fsync.kind === "interval") this.#syncLogLater(fsync.intervalMs);
    if (this.isRunning) return;
    if (fsync.kind !== "always" && this.#hardState === undefined) {
      this.#durableNumber = this.#writtenNumber;
      return onSynced();
    }
    const startedMs = clock.monotonicMs();
    const number = this.#writtenNumber;
    this.#running = this.#sync().then(() => {
      this.#running = undefined;
      this.#durableNumber = number;
      this.#lastSyncMs = clock.monotonicMs() - startedMs;
      onSynced();
    }, (cause) => {
      this.#running = undefined;
      onFailure(cause);
    });
  }

  /** Resolves when no sync runs, and after a timed one that is due. */
  async stop(): Promise<void> {
    await this.#running;
    this.#cancelTimer?.();
  }

  async #sync(): Promise<void> {
    const { log, stateFile, fsync } = this.#options;
    const hardState = this.#hardState;
    this.#hardState = undefined;
    const logSync = fsync.kind === "always" ? log.sync() : undefined;
    if (hardState === undefined) return logSync;
    const results = await Promise.allSettled([
      stateFile.save(hardState),
      logSync,
    ]);
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
    }
  }

  /** Whoever wrote: also what an election writes is to be on the device in time. */
  #syncLogLater(intervalMs: number): void {
    this.#cancelTimer ??= this.#options.scheduler.after(intervalMs, () => {
      this.#cancelTimer = undefined;
      this.#options.log.sync().catch(this.#options.onFailure);
    });
  }
}
