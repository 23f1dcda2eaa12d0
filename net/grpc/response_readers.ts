/**
 * The two response halves of a call on the client: exactly one message (unary,
 * client-streaming) or many (server-streaming, bidi).
 */
import type { ResponseReader } from "./client_stream.ts";
import { MessageQueue } from "./message_queue.ts";
import { STATUS, StatusError } from "./status.ts";

export class SingleResponse implements ResponseReader {
  readonly promise: Promise<Uint8Array>;
  readonly unreadBytes = 0;
  #resolve: (message: Uint8Array) => void = () => undefined;
  #reject: (error: StatusError) => void = () => undefined;
  #message: Uint8Array | undefined;
  #count = 0;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  message(message: Uint8Array): void {
    this.#message = message;
    this.#count++;
  }

  end(): void {
    if (this.#message !== undefined && this.#count === 1) {
      return this.#resolve(this.#message);
    }
    this.#reject(
      new StatusError(
        STATUS.INTERNAL,
        `Cannot return a response of ${this.#count} messages as the method answers one`,
        { outcome: "unknown" },
      ),
    );
  }

  fail(error: StatusError): void {
    this.#reject(error);
  }
}

export class ResponseStream implements ResponseReader {
  readonly messages: MessageQueue;
  /** The reader took a message: credit may go back. */
  onTaken: () => void = () => undefined;
  /** The reader left its loop: nobody wants the rest. */
  onAbandoned: () => void = () => undefined;

  constructor() {
    this.messages = new MessageQueue({
      onTaken: () => this.onTaken(),
      onAbandoned: () => this.onAbandoned(),
    });
  }

  get unreadBytes(): number {
    return this.messages.queuedBytes;
  }

  message(message: Uint8Array): void {
    this.messages.push(message);
  }

  end(): void {
    this.messages.end();
  }

  fail(error: StatusError): void {
    this.messages.fail(error);
  }
}
