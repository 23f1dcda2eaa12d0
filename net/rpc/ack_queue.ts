/**
 * Acknowledgements of a pipelined stream: they settle in any order and leave in
 * the order of the requests. Bounded by the bytes that wait.
 */
import { REQUEST_OVERHEAD_BYTES } from "../../core/limits.ts";

export interface AckQueueOptions<T> {
  /** `room` waits while more bytes than this are not acknowledged. */
  readonly bytesMax: number;
  /** Returns false when the receiver is slow. */
  readonly send: (value: T) => boolean;
  readonly drained: () => Promise<void>;
}

interface Slot<T> {
  readonly bytes: number;
  outcome: { readonly value: T } | undefined;
}

export class AckQueue<T> {
  readonly #options: AckQueueOptions<T>;
  readonly #slots: Slot<T>[] = [];
  #head = 0;
  #bytes = 0;
  #isSlow = false;
  #failure: { readonly cause: unknown } | undefined;
  readonly #failed = Promise.withResolvers<never>();
  #wake: (() => void) | undefined;

  constructor(options: AckQueueOptions<T>) {
    this.#options = options;
    this.#failed.promise.catch(() => undefined);
  }

  /** Never resolves; rejects with the first failure, also while nobody adds. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  add(answer: Promise<T>, bytes: number): void {
    const slot: Slot<T> = {
      bytes: bytes + REQUEST_OVERHEAD_BYTES,
      outcome: undefined,
    };
    this.#slots.push(slot);
    this.#bytes += slot.bytes;
    answer.then((value) => {
      slot.outcome = { value };
      this.#sendReady();
    }, (cause) => this.#fail(cause));
  }

  /** Resolves at once unless too much waits; throws the first failure. */
  async room(): Promise<void> {
    this.#throwFailure();
    if (this.#isSlow) {
      await this.#options.drained();
      this.#isSlow = false;
    }
    while (this.#bytes > this.#options.bytesMax) await this.#change();
  }

  /** Resolves when the last acknowledgement is sent; throws the first failure. */
  async allSent(): Promise<void> {
    this.#throwFailure();
    while (this.#head < this.#slots.length) await this.#change();
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => this.#wake = resolve);
    this.#throwFailure();
  }

  #sendReady(): void {
    try {
      for (let slot = this.#next(); slot?.outcome; slot = this.#next()) {
        if (!this.#options.send(slot.outcome.value)) this.#isSlow = true;
        this.#bytes -= slot.bytes;
        this.#head += 1;
      }
    } catch (cause) {
      this.#fail(cause);
    }
    this.#compact();
    this.#wake?.();
  }

  #next(): Slot<T> | undefined {
    return this.#failure === undefined ? this.#slots[this.#head] : undefined;
  }

  /** The array forgets what was sent, now and then rather than each time. */
  #compact(): void {
    if (this.#head < 1024 && this.#head < this.#slots.length) return;
    this.#slots.splice(0, this.#head);
    this.#head = 0;
  }

  #fail(cause: unknown): void {
    this.#failure ??= { cause };
    this.#failed.reject(cause);
    this.#wake?.();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }
}
