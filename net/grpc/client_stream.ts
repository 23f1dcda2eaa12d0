/**
 * One call on the client: sends the request messages, reads head, messages and
 * trailers of the response, and ends exactly once. What a call kind does with
 * the messages is its `ResponseReader`.
 */
import { CANCEL } from "../http2/mod.ts";
import type { HeaderList, Http2Connection } from "../http2/mod.ts";
import { type Compression, isCompression } from "./compression.ts";
import type { Deadline, DeadlineQueue } from "./deadlines.ts";
import { InboundMessages } from "./inbound_messages.ts";
import { Metadata } from "./metadata.ts";
import { readResponseHead, readTrailers } from "./response_head.ts";
import { codeOfReset, STATUS, type StatusCode, StatusError } from "./status.ts";

/** What a call kind does with the server's half of the stream. */
export interface ResponseReader {
  message(message: Uint8Array): void;
  /** The call ended with OK. */
  end(): void;
  fail(error: StatusError): void;
  /** Received and not yet used by the caller. */
  readonly unreadBytes: number;
}

/** The connection that a call belongs to. */
export interface CallHost {
  readonly machine: Http2Connection;
  readonly deadlines: DeadlineQueue;
  readonly messageSizeMaxBytes: number;
  readonly wake: () => void;
  /** The call has ended. */
  forget(stream: ClientStream): void;
}

export interface CallObserver {
  /** The response head arrived. */
  readonly onHead?: ((metadata: Metadata) => void) | undefined;
  /** The call ended with OK; errors carry their trailers themselves. */
  readonly onTrailers?: ((metadata: Metadata) => void) | undefined;
}

export interface ClientStreamOptions extends CallObserver {
  readonly headers: HeaderList;
  /** Monotonic. */
  readonly deadlineMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly compression: Compression;
}

export class ClientStream {
  readonly headers: HeaderList;
  readonly compression: Compression;
  /** 0 until the connection has opened the stream. */
  streamId = 0;
  /** Called when the stream is open and may send. */
  onOpened: () => void = () => undefined;
  /** Called when a full queue has drained. */
  onWritable: () => void = () => undefined;
  /** Called when the call is over, in whatever way. */
  onOver: (error: StatusError | undefined) => void = () => undefined;
  readonly #host: CallHost;
  readonly #options: ClientStreamOptions;
  readonly #reader: ResponseReader;
  readonly #inbound: InboundMessages;
  #deadline: Deadline | undefined;
  #onAbort: (() => void) | undefined;
  #state: "waiting_for_head" | "reading" | "over" = "waiting_for_head";
  #isRequestDone = false;

  constructor(
    host: CallHost,
    reader: ResponseReader,
    options: ClientStreamOptions,
  ) {
    this.#host = host;
    this.#reader = reader;
    this.#options = options;
    this.headers = options.headers;
    this.compression = options.compression;
    this.#inbound = new InboundMessages({
      sizeMaxBytes: host.messageSizeMaxBytes,
      compression: "identity",
    });
    this.#watch();
  }

  get machine(): Http2Connection {
    return this.#host.machine;
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  #watch(): void {
    const { deadlineMs, signal } = this.#options;
    if (deadlineMs !== undefined) {
      this.#deadline = this.#host.deadlines.add(
        deadlineMs,
        () => this.cancel(STATUS.DEADLINE_EXCEEDED, "The deadline passed"),
      );
    }
    if (signal === undefined) return;
    this.#onAbort = () =>
      this.cancel(STATUS.CANCELLED, "The caller cancelled the call");
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** The connection has given the stream its number. */
  opened(streamId: number): void {
    this.streamId = streamId;
    this.onOpened();
  }

  /** The caller has sent all. */
  requestDone(): void {
    this.#isRequestDone = true;
  }

  /** Response head or trailers. */
  receiveHeaders(headers: HeaderList, end: { endStream: boolean }): void {
    if (this.#state === "over") return;
    if (this.#state === "reading" || end.endStream) return this.#end(headers);
    const result = readResponseHead(headers);
    if (result.kind === "informational") return;
    if (result.kind === "refused") return this.#fail(result.error);
    this.#state = "reading";
    if (isCompression(result.encoding)) {
      this.#inbound.compression = result.encoding;
    }
    this.#options.onHead?.(Metadata.fromHeaders(headers));
  }

  receiveData(bytes: Uint8Array, creditBytes: number): void {
    this.#inbound.push(bytes, creditBytes);
    try {
      let message = this.#inbound.next();
      while (message !== undefined && !this.isOver) {
        this.#reader.message(message);
        message = this.#inbound.next();
      }
    } catch (error) {
      this.#fail(asStatus(error));
    }
    this.releaseCredit();
  }

  /** Lets the server send more, unless the caller is behind. */
  releaseCredit(): void {
    const unread = this.isOver ? 0 : this.#reader.unreadBytes;
    const creditBytes = this.#inbound.takeCredit(unread);
    if (creditBytes === 0) return;
    this.machine.releaseCredit(this.streamId, creditBytes);
    this.#host.wake();
  }

  /** The stream ended without trailers. */
  endedWithoutStatus(): void {
    this.#fail(
      new StatusError(STATUS.INTERNAL, "The response ended without a status", {
        outcome: "unknown",
      }),
    );
  }

  receiveReset(errorCode: number): void {
    const code = codeOfReset(errorCode);
    this.#over(
      new StatusError(
        code,
        `The server reset the call (HTTP/2 error code ${errorCode})`,
        { outcome: code === STATUS.UNAVAILABLE ? "not_processed" : "unknown" },
      ),
    );
  }

  /** The connection is gone, or never took the call. */
  abort(error: StatusError): void {
    this.#over(error);
  }

  /** The caller does not want the rest. */
  abandon(): void {
    this.cancel(STATUS.CANCELLED, "The caller left the response");
  }

  /** Ends the call from our side. */
  cancel(code: StatusCode, message: string): void {
    const outcome = this.streamId === 0 ? "not_processed" : "unknown";
    this.#fail(new StatusError(code, message, { outcome }));
  }

  #end(headers: HeaderList): void {
    const error = readTrailers(headers);
    if (error !== undefined) return this.#over(error);
    this.#options.onTrailers?.(Metadata.fromHeaders(headers));
    this.#over(undefined);
  }

  /** We end the call while the server may go on: it must be told. */
  #fail(error: StatusError): void {
    if (this.isOver) return;
    if (this.streamId !== 0) this.machine.reset(this.streamId, CANCEL);
    this.#isRequestDone = true;
    this.#over(error);
  }

  #over(error: StatusError | undefined): void {
    if (this.isOver) return;
    this.#state = "over";
    if (this.#deadline !== undefined) {
      this.#host.deadlines.remove(this.#deadline);
    }
    if (this.#onAbort !== undefined) {
      this.#options.signal?.removeEventListener("abort", this.#onAbort);
    }
    if (!this.#isRequestDone && this.streamId !== 0) {
      this.machine.reset(this.streamId, CANCEL);
    }
    this.releaseCredit();
    this.onOver(error);
    if (error === undefined) this.#reader.end();
    else this.#reader.fail(error);
    this.#host.forget(this);
    this.#host.wake();
  }
}

function asStatus(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  return new StatusError(STATUS.INTERNAL, "Cannot read the response", {
    cause: error,
    outcome: "unknown",
  });
}
