/**
 * Received messages between the connection and whoever iterates over them.
 * Flow control bounds it: the owner holds back the peer's credit while
 * `queuedBytes` is high, and is told when the reader takes a message.
 */

/** With more than this unread the sender gets no further credit. */
export const UNREAD_HIGH_BYTES = 256 * 1024;

type Waiting = PromiseWithResolvers<IteratorResult<Uint8Array, undefined>>;

export class MessageQueue implements AsyncIterableIterator<Uint8Array> {
  readonly #onTaken: () => void;
  readonly #onAbandoned: () => void;
  readonly #messages: Uint8Array[] = [];
  /** Messages before this index are taken. */
  #first = 0;
  #waiting: Waiting[] = [];
  #end: "open" | "ended" | { readonly failure: Error } = "open";
  queuedBytes = 0;

  /** `onAbandoned`: the reader left its loop before the end. */
  constructor(
    { onTaken, onAbandoned }: { onTaken: () => void; onAbandoned: () => void },
  ) {
    this.#onTaken = onTaken;
    this.#onAbandoned = onAbandoned;
  }

  push(message: Uint8Array): void {
    if (this.#end !== "open") return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      return waiting.resolve({ done: false, value: message });
    }
    this.#messages.push(message);
    this.queuedBytes += message.length;
  }

  /** Messages that are queued are still read before the end. */
  end(): void {
    this.#close("ended");
  }

  /** Messages that are queued are still read before the error. */
  fail(failure: Error): void {
    this.#close({ failure });
  }

  #close(end: "ended" | { readonly failure: Error }): void {
    if (this.#end !== "open") return;
    this.#end = end;
    for (const waiting of this.#waiting) {
      if (end === "ended") waiting.resolve({ done: true, value: undefined });
      else waiting.reject(end.failure);
    }
    this.#waiting = [];
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const message = this.#messages[this.#first];
    if (message !== undefined) {
      this.#take(message);
      return Promise.resolve({ done: false, value: message });
    }
    if (this.#end === "ended") {
      return Promise.resolve({ done: true, value: undefined });
    }
    if (this.#end !== "open") return Promise.reject(this.#end.failure);
    const waiting: Waiting = Promise.withResolvers();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  #take(message: Uint8Array): void {
    this.#first++;
    this.queuedBytes -= message.length;
    if (this.#first === this.#messages.length) {
      this.#messages.length = 0;
      this.#first = 0;
    } else if (this.#first > 64) {
      this.#messages.splice(0, this.#first);
      this.#first = 0;
    }
    this.#onTaken();
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    const wasOpen = this.#end === "open";
    this.#messages.length = 0;
    this.#first = 0;
    this.queuedBytes = 0;
    this.#close("ended");
    this.#end = "ended";
    this.#onTaken();
    if (wasOpen) this.#onAbandoned();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
