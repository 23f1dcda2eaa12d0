/**
 * The sending half of client-streaming and bidi calls. Messages that are sent
 * while the call still waits for a stream are kept until it opens.
 */
import type { ClientStream } from "./client_stream.ts";
import { END_STREAM, StreamSink } from "./send_message.ts";
import { STATUS, StatusError } from "./status.ts";
import type { MessageSink } from "./types.ts";

const NO_BYTES = new Uint8Array(0);

export class RequestSink implements MessageSink {
  readonly #stream: ClientStream;
  readonly #wake: () => void;
  #inner: StreamSink | undefined;
  #early: Uint8Array[] = [];
  #isEnded = false;
  #failure: StatusError | undefined;
  readonly #opened = Promise.withResolvers<void>();

  constructor(stream: ClientStream, wake: () => void) {
    this.#stream = stream;
    this.#wake = wake;
    this.#opened.promise.catch(() => undefined);
    stream.onOpened = () => this.#open();
    stream.onWritable = () => this.#inner?.writable();
    stream.onOver = (error) => this.#over(error);
  }

  send(message: Uint8Array): boolean {
    this.#check();
    if (this.#inner !== undefined) return this.#inner.send(message);
    this.#early.push(message);
    return false;
  }

  sendWithHeadroom(buffer: Uint8Array, start: number): boolean {
    this.#check();
    if (this.#inner !== undefined) {
      return this.#inner.sendWithHeadroom(buffer, start);
    }
    return this.send(buffer.subarray(start));
  }

  async drained(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    await this.#opened.promise;
    await this.#inner?.drained();
  }

  /** No further message follows. */
  end(): void {
    if (this.#isEnded || this.#failure !== undefined) return;
    this.#isEnded = true;
    if (this.#inner !== undefined) this.#sendEnd();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#isEnded) return;
    throw new StatusError(
      STATUS.FAILED_PRECONDITION,
      "Cannot send a message as the request has ended",
      { outcome: "unknown" },
    );
  }

  #open(): void {
    const inner = new StreamSink(this.#stream, {
      head: undefined,
      wake: this.#wake,
    });
    this.#inner = inner;
    for (const message of this.#early) inner.send(message);
    this.#early = [];
    if (this.#isEnded) this.#sendEnd();
    this.#opened.resolve();
  }

  #sendEnd(): void {
    this.#stream.machine.sendData(this.#stream.streamId, NO_BYTES, END_STREAM);
    this.#stream.requestDone();
    this.#wake();
  }

  #over(error: StatusError | undefined): void {
    this.#failure = error ?? new StatusError(
      STATUS.CANCELLED,
      "Cannot send a message as the server has ended the call",
    );
    this.#early = [];
    this.#opened.reject(this.#failure);
    this.#inner?.fail(this.#failure);
  }
}
