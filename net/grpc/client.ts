/**
 * Calls over one connection: the four kinds. Many calls share the connection;
 * `dial.ts` makes one, `net/client` keeps several and retries.
 * Every failure is a StatusError; its `outcome` tells whether the server may
 * have done the call.
 */
import type { Clock } from "../../core/env.ts";
import type { ProglogError } from "../../core/errors.ts";
import type { HeaderField, HeaderList } from "../http2/mod.ts";
import type { ClientConnection, ConnectionState } from "./client_connection.ts";
import { type CallObserver, ClientStream } from "./client_stream.ts";
import { ACCEPT_ENCODING, type Compression } from "./compression.ts";
import type { Metadata } from "./metadata.ts";
import { RequestSink } from "./request_sink.ts";
import { ResponseStream, SingleResponse } from "./response_readers.ts";
import { END_STREAM, sendMessage } from "./send_message.ts";
import { formatTimeout } from "./timeout.ts";

/** Header lists that are kept: a few for each method, with usual timeouts. */
const CACHED_HEADS_MAX = 1_000;

export interface CallOptions extends CallObserver {
  readonly metadata?: Metadata;
  /** How long the call may take. */
  readonly timeoutMs?: number;
  /** The same as a moment of the monotonic clock; the earlier one counts. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** How request messages are sent; default "identity". */
  readonly compression?: Compression;
}

/** Requests go in, the one response is a promise. */
export interface ClientStreamCall {
  readonly requests: RequestSink;
  readonly response: Promise<Uint8Array>;
}

/** Requests and responses flow on their own. */
export interface BidiCall {
  readonly requests: RequestSink;
  readonly responses: AsyncIterableIterator<Uint8Array>;
}

export class GrpcClient {
  readonly #connection: ClientConnection;
  readonly #clock: Clock;
  readonly #authority: string;
  readonly #scheme: "http" | "https";
  readonly #heads = new Map<string, HeaderList>();

  constructor(options: {
    connection: ClientConnection;
    clock: Clock;
    authority: string;
    scheme: "http" | "https";
  }) {
    this.#connection = options.connection;
    this.#clock = options.clock;
    this.#authority = options.authority;
    this.#scheme = options.scheme;
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** Why the connection closed, in words; undefined while it is open. */
  get closedReason(): ProglogError | undefined {
    return this.#connection.closedReason;
  }

  /** Calls that have not ended. */
  get callCount(): number {
    return this.#connection.callCount;
  }

  /** When the server last sent anything, on the monotonic clock. */
  get lastReceivedMs(): number {
    return this.#connection.lastReceivedMs;
  }

  /** One message each way. */
  unary(
    path: string,
    request: Uint8Array,
    options: CallOptions = {},
  ): Promise<Uint8Array> {
    const reader = new SingleResponse();
    const stream = this.#stream(path, reader, options);
    sendOnlyMessage(stream, request);
    this.#connection.open(stream);
    return reader.promise;
  }

  /** Leaving the loop over the responses cancels the call. */
  serverStream(
    path: string,
    request: Uint8Array,
    options: CallOptions = {},
  ): AsyncIterableIterator<Uint8Array> {
    const reader = new ResponseStream();
    const stream = this.#stream(path, reader, options);
    bindReader(reader, stream);
    sendOnlyMessage(stream, request);
    this.#connection.open(stream);
    return reader.messages;
  }

  clientStream(path: string, options: CallOptions = {}): ClientStreamCall {
    const reader = new SingleResponse();
    const stream = this.#stream(path, reader, options);
    const requests = new RequestSink(stream, this.#connection.wake);
    // A caller whose `send` throws learns the error there and may never look here.
    reader.promise.catch(() => undefined);
    this.#connection.open(stream);
    return { requests, response: reader.promise };
  }

  /** Leaving the loop over the responses cancels the call. */
  bidi(path: string, options: CallOptions = {}): BidiCall {
    const reader = new ResponseStream();
    const stream = this.#stream(path, reader, options);
    bindReader(reader, stream);
    const requests = new RequestSink(stream, this.#connection.wake);
    this.#connection.open(stream);
    return { requests, responses: reader.messages };
  }

  #stream(
    path: string,
    reader: SingleResponse | ResponseStream,
    options: CallOptions,
  ): ClientStream {
    const deadlineMs = this.#deadlineMs(options);
    return new ClientStream(this.#connection, reader, {
      headers: this.#headers(path, options, deadlineMs),
      deadlineMs,
      signal: options.signal,
      compression: options.compression ?? "identity",
      onHead: options.onHead,
      onTrailers: options.onTrailers,
    });
  }

  #deadlineMs(options: CallOptions): number | undefined {
    const { timeoutMs, deadlineMs } = options;
    if (timeoutMs === undefined) return deadlineMs;
    const fromNow = this.#clock.monotonicMs() + timeoutMs;
    return deadlineMs === undefined ? fromNow : Math.min(fromNow, deadlineMs);
  }

  /** Lists without metadata are kept: the encoder knows them again. */
  #headers(
    path: string,
    options: CallOptions,
    deadlineMs: number | undefined,
  ): HeaderList {
    const timeout = this.#timeout(options, deadlineMs);
    const { compression, metadata } = options;
    const own = optionalFields(timeout, compression);
    if (metadata !== undefined) {
      return [...this.#head(path), ...own, ...metadata.fields()];
    }
    if (own.length === 0) return this.#head(path);
    const key = `${path} ${timeout} ${compression}`;
    const cached = this.#heads.get(key);
    if (cached !== undefined) return cached;
    return this.#keep(key, [...this.#head(path), ...own]);
  }

  #timeout(
    options: CallOptions,
    deadlineMs: number | undefined,
  ): string | undefined {
    if (deadlineMs === undefined) return undefined;
    const { timeoutMs } = options;
    return formatTimeout(
      options.deadlineMs === undefined && timeoutMs !== undefined
        ? timeoutMs
        : deadlineMs - this.#clock.monotonicMs(),
    );
  }

  #head(path: string): HeaderList {
    const cached = this.#heads.get(path);
    if (cached !== undefined) return cached;
    const head: HeaderList = [
      [":method", "POST"],
      [":scheme", this.#scheme],
      [":path", path],
      [":authority", this.#authority],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
      ["grpc-accept-encoding", ACCEPT_ENCODING],
      ["user-agent", "proglog"],
    ];
    return this.#keep(path, head);
  }

  #keep(key: string, head: HeaderList): HeaderList {
    if (this.#heads.size >= CACHED_HEADS_MAX) this.#heads.clear();
    this.#heads.set(key, head);
    return head;
  }
}

function optionalFields(
  timeout: string | undefined,
  compression: Compression | undefined,
): HeaderField[] {
  const fields: HeaderField[] = [];
  if (timeout !== undefined) fields.push(["grpc-timeout", timeout]);
  if (compression === "gzip") fields.push(["grpc-encoding", "gzip"]);
  return fields;
}

function sendOnlyMessage(stream: ClientStream, request: Uint8Array): void {
  stream.onOpened = () => {
    sendMessage(stream, request, END_STREAM);
    stream.requestDone();
  };
}

function bindReader(reader: ResponseStream, stream: ClientStream): void {
  reader.onTaken = () => stream.releaseCredit();
  reader.onAbandoned = () => stream.abandon();
}
