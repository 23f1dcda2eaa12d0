/**
 * The receiving half of a stream, both roles: bytes to plain messages, and the
 * flow-control credit that is held back while the reader is behind.
 */
import { type Compression, decompress } from "./compression.ts";
import { MessageDecoder } from "./framing.ts";
import { UNREAD_HIGH_BYTES } from "./message_queue.ts";

export class InboundMessages {
  readonly #decoder: MessageDecoder;
  readonly #sizeMaxBytes: number;
  #heldCreditBytes = 0;
  /** How the peer compresses messages that it flags. */
  compression: Compression;

  constructor(
    options: { sizeMaxBytes: number; compression: Compression },
  ) {
    this.#sizeMaxBytes = options.sizeMaxBytes;
    this.compression = options.compression;
    this.#decoder = new MessageDecoder(options.sizeMaxBytes);
  }

  /** True while a message has begun and not ended. */
  get isInMessage(): boolean {
    return this.#decoder.isInMessage;
  }

  push(bytes: Uint8Array, creditBytes: number): void {
    this.#heldCreditBytes += creditBytes;
    this.#decoder.push(bytes);
  }

  /** @throws StatusError for a message that cannot be read. */
  next(): Uint8Array | undefined {
    const message = this.#decoder.next();
    if (message === undefined || this.#decoder.encoding === "plain") {
      return message;
    }
    const { compression } = this;
    return decompress(message, {
      compression,
      sizeMaxBytes: this.#sizeMaxBytes,
    });
  }

  /** Credit that may go back now; 0 while over the high mark is unread. */
  takeCredit(unreadBytes: number): number {
    if (unreadBytes > UNREAD_HIGH_BYTES) return 0;
    const creditBytes = this.#heldCreditBytes;
    this.#heldCreditBytes = 0;
    return creditBytes;
  }
}
