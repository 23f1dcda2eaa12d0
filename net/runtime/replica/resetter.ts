/**
 * Begins a log anew where the leader's begins: the base is saved first, which
 * decides it, then the log is reset. A crash between the two is finished at the
 * next start (recover.ts). Waits for room on a full disk; nothing else can go on.
 */
import { concatBytes } from "../../../core/bytes.ts";
import { ProducerTable } from "../../../core/cluster/producer_table.ts";
import type { Scheduler } from "../../../core/env.ts";
import { isProglogError } from "../../../core/errors.ts";
import type { Log } from "../../../core/log/log.ts";
import type { Reset } from "../../../core/raft/ready.ts";
import type { AppliedState } from "./applied_state.ts";
import type { Applier } from "./applier.ts";
import type { BaseStore } from "./base_store.ts";
import { stopping } from "./errors.ts";
import type { ReplicaLogView } from "./log_view.ts";

const RETRY_MS = 1_000;

export interface ResetterParts {
  readonly log: Log;
  readonly view: ReplicaLogView;
  readonly applier: Applier;
  readonly bases: BaseStore;
  readonly scheduler: Scheduler;
  readonly losesProducers: boolean;
}

export class ReplicaResetter {
  readonly #parts: ResetterParts;
  #isResetting = false;
  #isStopped = false;
  #endPause: (() => void) | undefined;

  constructor(parts: ResetterParts) {
    this.#parts = parts;
  }

  /** While a reset is under way, the log must not be read. */
  get isResetting(): boolean {
    return this.#isResetting;
  }

  /** Waits for room no more; a reset that was decided is finished on opening. */
  stop(): void {
    this.#isStopped = true;
    this.#endPause?.();
  }

  async reset(reset: Reset): Promise<void> {
    const { log, view, applier, bases } = this.#parts;
    const { index, term, nextOffset } = reset.start;
    const state: AppliedState = {
      reason: "reset",
      at: reset.start,
      configurations: [{ index, configuration: reset.configuration }],
      producers: this.#parts.losesProducers
        ? new ProducerTable().encode()
        : concatBytes(reset.state),
    };
    this.#isResetting = true;
    await this.#whenThereIsRoom(() => bases.reset(state));
    await this.#whenThereIsRoom(() =>
      log.resetTo({ index, term, offset: nextOffset })
    );
    view.resetTo(reset.start);
    applier.reset(state);
    this.#isResetting = false;
  }

  async #whenThereIsRoom(run: () => Promise<void>): Promise<void> {
    while (true) {
      try {
        return await run();
      } catch (error) {
        if (!isProglogError(error, "disk_full")) throw error;
      }
      if (!this.#isStopped) await this.#pause();
      if (this.#isStopped) throw stopping();
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.scheduler.after(RETRY_MS, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }
}
