/**
 * Forgets old segments every now and then, as the policy says.
 * Callers: the agent.
 */
import type { Clock, Scheduler } from "../../core/env.ts";
import type { LogIndex } from "../../core/ids.ts";
import type { Log } from "../../core/log/log.ts";
import {
  planRetention,
  type RetentionPolicy,
} from "../../core/log/retention.ts";

const INTERVAL_MS = 5_000;

export interface RetentionLoopOptions {
  readonly log: Log;
  readonly policy: RetentionPolicy;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Entries from here on must stay. */
  readonly keepFrom: () => LogIndex;
  readonly onFailure: (error: unknown) => void;
}

export class RetentionLoop {
  readonly #options: RetentionLoopOptions;
  #cancel: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RetentionLoopOptions) {
    this.#options = options;
  }

  start(): void {
    const { bytesMax, ageMaxMs } = this.#options.policy;
    if (bytesMax === null && ageMaxMs === null) return;
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#running;
  }

  #schedule(): void {
    this.#cancel = this.#options.scheduler.after(INTERVAL_MS, () => {
      this.#running = this.#runOnce().then(
        () => this.#schedule(),
        (error) => this.#options.onFailure(error),
      );
    });
  }

  async #runOnce(): Promise<void> {
    const { log, policy, clock } = this.#options;
    await log.dropBefore(
      planRetention(log.segmentFacts(), {
        policy,
        nowMs: clock.wallMs(),
        keepFrom: this.#options.keepFrom(),
      }),
    );
  }
}
