/**
 * Forgets old segments of the log, by policy every now and then, and on request.
 * The base moves first, durably; then the segments go.
 */
import { isProglogError } from "../../../core/errors.ts";
import { type LogIndex, logIndex, type Offset } from "../../../core/ids.ts";
import type { Log } from "../../../core/log/log.ts";
import { planRetention } from "../../../core/log/retention.ts";
import type { Applier } from "./applier.ts";
import type { BaseStore } from "./base_store.ts";
import { stopping } from "./errors.ts";
import type { ReplicaLogView } from "./log_view.ts";
import type { ReplicaLoop } from "./replica_loop.ts";
import type { ReplicaOptions } from "./types.ts";

const INTERVAL_MS = 5_000;

export interface RetentionParts {
  readonly options: ReplicaOptions;
  readonly log: Log;
  readonly bases: BaseStore;
  readonly applier: Applier;
  readonly view: ReplicaLogView;
  readonly loop: ReplicaLoop;
  readonly onFailure: (cause: unknown) => void;
}

export class Retention {
  readonly #parts: RetentionParts;
  #cancel: (() => void) | undefined;
  #isStopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  start(): void {
    const { bytesMax, ageMaxMs } = this.#parts.options.retention;
    if (bytesMax !== null || ageMaxMs !== null) this.#schedule();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#running;
  }

  /**
   * Resolves to how many bytes went. Rejects with `disk_full`, `disk_failed`, and
   * with `unavailable` when the replica stops.
   */
  trim(before: Offset): Promise<number> {
    const { log } = this.#parts;
    return this.#run(() =>
      log.segmentFacts().findLast((segment) =>
        segment.startOffset <= before && segment.firstIndex <= this.#keepFrom
      )?.firstIndex ?? log.firstIndex
    );
  }

  /** Entries that are committed, and durable here, may go. */
  get #keepFrom(): LogIndex {
    const { applier, log } = this.#parts;
    const last = Math.min(applier.applied.index, log.durableIndex);
    return logIndex(last + 1);
  }

  #schedule(): void {
    const { options, log } = this.#parts;
    if (this.#isStopped) return;
    this.#cancel = options.scheduler.after(INTERVAL_MS, () => {
      const plan = () =>
        planRetention(log.segmentFacts(), {
          policy: options.retention,
          nowMs: options.clock.wallMs(),
          keepFrom: this.#keepFrom,
        });
      this.#run(plan).then(() => this.#schedule(), (error) => {
        if (isProglogError(error, "disk_full")) this.#schedule();
      });
    });
  }

  /** Drops what is before the planned index; one at a time. */
  #run(plan: () => LogIndex): Promise<number> {
    const run = async (): Promise<number> => {
      if (this.#isStopped) throw stopping();
      const { log } = this.#parts;
      const sizeBytes = log.sizeBytes;
      await this.#startAt(plan());
      return Math.max(0, sizeBytes - log.sizeBytes);
    };
    const running = this.#running.then(run, run);
    this.#running = running.catch((error) => this.#failed(error));
    return running;
  }

  /** Whoever asked: after a failed removal or sync the log takes no more writes. */
  #failed(error: unknown): void {
    const isRefusal = isProglogError(error, "disk_full") ||
      isProglogError(error, "unavailable");
    if (!isRefusal) this.#parts.onFailure(error);
  }

  async #startAt(firstIndex: LogIndex): Promise<void> {
    const { bases, applier, view, loop, log } = this.#parts;
    const index = logIndex(firstIndex - 1);
    const state = await bases.moveTo(index, () => applier.configurations);
    if (state === undefined) return;
    await loop.call(() => {
      if (bases.current !== state) return;
      view.startAfter(state.at);
      applier.startAfter(index);
    });
    await log.dropBefore(firstIndex);
  }
}
