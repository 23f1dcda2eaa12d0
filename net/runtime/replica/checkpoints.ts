/**
 * What shortens the next start and may be lost: a checkpoint of the applied
 * state now and then, and a hint of how far the log is committed.
 */
import { type LogIndex, logIndex } from "../../../core/ids.ts";
import { isProglogError } from "../../../core/errors.ts";
import type { Log } from "../../../core/log/log.ts";
import { saveState } from "./applied_state.ts";
import type { Applier } from "./applier.ts";
import { CHECKPOINT_NAME } from "./recover.ts";
import type { StateFile } from "./state_file.ts";
import type { ReplicaOptions } from "./types.ts";

/** The state is written again after this many bytes of entries. */
const CHECKPOINT_BYTES_DEFAULT = 64 * 1024 * 1024;
const HINT_INTERVAL_MS = 1_000;

export interface CheckpointsParts {
  readonly options: ReplicaOptions;
  readonly log: Log;
  readonly applier: Applier;
  readonly stateFile: StateFile;
  readonly onFailure: (cause: unknown) => void;
}

export class Checkpoints {
  readonly #parts: CheckpointsParts;
  #writtenAtBytes = 0;
  #writing: Promise<void> | undefined;
  #hinted: LogIndex = logIndex(0);
  #cancelHint: (() => void) | undefined;
  #isStopped = false;

  constructor(parts: CheckpointsParts) {
    this.#parts = parts;
    this.#hinted = parts.applier.applied.index;
  }

  /** Called after every turn. */
  note(): void {
    const { applier, options } = this.#parts;
    if (this.#isStopped) return;
    if (applier.applied.index > this.#hinted) {
      this.#cancelHint ??= options.scheduler.after(HINT_INTERVAL_MS, () => {
        this.#cancelHint = undefined;
        this.#tryHint();
      });
    }
    if (this.#writing !== undefined) return;
    const dueBytes = options.checkpointBytes ?? CHECKPOINT_BYTES_DEFAULT;
    if (applier.appliedBytes - this.#writtenAtBytes < dueBytes) return;
    this.#writing = this.#tryWrite()
      .finally(() => this.#writing = undefined);
  }

  /**
   * Without room the next start is longer, nothing else. A sync that failed is a
   * failed sync of the log, whoever asked for it: the node must end.
   */
  async #tryWrite(): Promise<void> {
    try {
      await this.#write();
    } catch (error) {
      if (!isProglogError(error, "disk_full")) this.#parts.onFailure(error);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelHint?.();
    await this.#writing;
  }

  /** At the orderly end. A full disk is no reason not to end. */
  async writeLast(): Promise<void> {
    try {
      await this.#write();
      this.#hint();
    } catch (error) {
      if (!isProglogError(error, "disk_full")) throw error;
    }
  }

  /** Only what is durable here: it would outlive the entries otherwise. */
  async #write(): Promise<void> {
    const { options, log, applier } = this.#parts;
    const { disk, directory } = options;
    const state = applier.checkpoint();
    this.#writtenAtBytes = applier.appliedBytes;
    await log.sync();
    if (log.durableIndex < state.at.index) return;
    await saveState(disk, { directory, name: CHECKPOINT_NAME }, state);
  }

  #tryHint(): void {
    try {
      this.#hint();
    } catch (error) {
      this.#parts.onFailure(error);
    }
  }

  #hint(): void {
    const { log, applier, stateFile } = this.#parts;
    const index = Math.min(applier.applied.index, log.durableIndex);
    if (index <= this.#hinted) return;
    this.#hinted = logIndex(index);
    stateFile.hint(this.#hinted);
  }
}
