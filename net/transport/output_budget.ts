/**
 * Bytes that all connections of a server hold for peers that do not read. Over
 * the bound, a blocked connection that grows further is closed.
 */
export class OutputBudget {
  readonly #maxBytes: number;
  #queuedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get isExceeded(): boolean {
    return this.#queuedBytes > this.#maxBytes;
  }

  /** Negative when bytes have left. */
  add(bytes: number): void {
    this.#queuedBytes += bytes;
  }
}
