/**
 * Readers that wait at the end of the log. One wake serves all; nobody polls.
 */
export class Waiters {
  readonly #waiting = new Set<(reason?: Error) => void>();
  #ended: Error | undefined;

  /**
   * Resolves at the next `wake`, or when `signal` aborts; rejects with the reason
   * of `end`.
   */
  wait(signal: AbortSignal): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const done = (reason?: Error) => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", aborted);
        if (reason === undefined) resolve();
        else reject(reason);
      };
      const aborted = () => done();
      signal.addEventListener("abort", aborted, { once: true });
      this.#waiting.add(done);
    });
  }

  wake(): void {
    if (this.#waiting.size === 0) return;
    for (const done of [...this.#waiting]) done();
  }

  /** Nothing more will come: refuses all who wait, and those who come. */
  end(reason: Error): void {
    this.#ended ??= reason;
    for (const done of [...this.#waiting]) done(reason);
  }
}
