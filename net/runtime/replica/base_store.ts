/**
 * The base of the log: the state with which it begins. It is made durable before
 * the log forgets anything, so that a crash leaves the old beginning or the new.
 * Changes run one after the other; a trim that a reset overtook does nothing.
 */
import { ProducerTable } from "../../../core/cluster/producer_table.ts";
import { decodeMarks } from "../../../core/cluster/producer_table.ts";
import type { Disk, Scheduler } from "../../../core/env.ts";
import { type LogIndex, logIndex, offset } from "../../../core/ids.ts";
import type { Log } from "../../../core/log/log.ts";
import type { ConfigurationEntry } from "../../../core/raft/configuration.ts";
import type { LogStart } from "../../../core/raft/log_view.ts";
import { type AppliedState, saveState } from "./applied_state.ts";
import { BASE_NAME, readEntries } from "./recover.ts";

/** Entries that are read in one go before others may run. */
const SLICE_ENTRIES = 256;

export interface BaseStoreOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly base: AppliedState;
}

export class BaseStore {
  readonly #options: BaseStoreOptions;
  #base: AppliedState;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: BaseStoreOptions) {
    this.#options = options;
    this.#base = options.base;
  }

  /** What is durable. */
  get current(): AppliedState {
    return this.#base;
  }

  /** Decides a reset; the log is to be reset before anything else happens. */
  reset(state: AppliedState): Promise<void> {
    return this.#change(() => this.#save(state));
  }

  /**
   * Moves the base up to `index`, which must be applied and durable; resolves to
   * the new base, or to undefined where it is there or beyond already.
   */
  moveTo(
    index: LogIndex,
    configurations: () => readonly ConfigurationEntry[],
  ): Promise<AppliedState | undefined> {
    return this.#change(async () => {
      if (index <= this.#base.at.index) return undefined;
      const { at, producers } = await this.#replayTo(index);
      const configuration = configurations()
        .findLast((entry) => entry.index <= index);
      const state: AppliedState = {
        reason: "trimmed",
        at,
        configurations: configuration === undefined ? [] : [configuration],
        producers: producers.encode(),
      };
      await this.#save(state);
      return state;
    });
  }

  /** The table as of `index`, from that of the base and the entries between. */
  async #replayTo(
    index: LogIndex,
  ): Promise<{ at: LogStart; producers: ProducerTable }> {
    const { log } = this.#options;
    const producers = ProducerTable.decode(this.#base.producers);
    let at = this.#base.at;
    while (at.index < index) {
      const from = logIndex(at.index + 1);
      const to = logIndex(Math.min(index, at.index + SLICE_ENTRIES));
      readEntries(log, { from, to }, (entry) => {
        const { baseOffset, recordCount, kind, meta } = entry;
        if (kind === "data" && meta.length > 0) {
          producers.apply({ baseOffset, marks: decodeMarks(meta) });
        }
        const nextOffset = offset(baseOffset + recordCount);
        at = { index: entry.index, term: entry.term, nextOffset };
      });
      await this.#pause();
    }
    return { at, producers };
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#options.scheduler.after(0, resolve));
  }

  async #save(state: AppliedState): Promise<void> {
    const { disk, directory } = this.#options;
    await saveState(disk, { directory, name: BASE_NAME }, state);
    this.#base = state;
  }

  #change<T>(run: () => Promise<T>): Promise<T> {
    const change = this.#changing.then(run, run);
    this.#changing = change.catch(() => undefined);
    return change;
  }
}
