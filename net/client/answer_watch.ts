/**
 * Notices when answers stay away: one timer for all requests of a stream, as
 * answers come in order. Callers: producer.ts.
 */
import type { Scheduler } from "../../core/env.ts";

export class AnswerWatch {
  readonly #scheduler: Scheduler;
  readonly #timeoutMs: number;
  readonly #onSilence: () => void;
  #cancel: (() => void) | undefined;
  #wasAnswered = false;

  /** `onSilence` is called when no answer came for one to two `timeoutMs`. */
  constructor(options: {
    scheduler: Scheduler;
    timeoutMs: number;
    onSilence: () => void;
  }) {
    this.#scheduler = options.scheduler;
    this.#timeoutMs = options.timeoutMs;
    this.#onSilence = options.onSilence;
  }

  /** A request waits for its answer. */
  begin(): void {
    this.#cancel ??= this.#scheduler.after(this.#timeoutMs, () => {
      this.#cancel = undefined;
      if (!this.#wasAnswered) return this.#onSilence();
      this.#wasAnswered = false;
      this.begin();
    });
  }

  answered(): void {
    this.#wasAnswered = true;
  }

  /** Nothing waits any more. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#wasAnswered = false;
  }
}
