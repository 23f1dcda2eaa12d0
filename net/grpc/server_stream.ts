/**
 * One call on the server: reads the request messages, holds what the handler
 * sees (`ServerCall`), and ends exactly once, by status, cancel or deadline.
 * What a call kind does with the messages is in `unary.ts` and its siblings.
 */
import {
  type HeaderList,
  type Http2Connection,
  NO_ERROR,
} from "../http2/mod.ts";
import type { Compression } from "./compression.ts";
import type { Deadline } from "./deadlines.ts";
import { InboundMessages } from "./inbound_messages.ts";
import { Metadata } from "./metadata.ts";
import type { RequestHead } from "./request_head.ts";
import {
  END_STREAM,
  MORE_FOLLOWS,
  sendMessage,
  StreamSink,
} from "./send_message.ts";
import type { ServerSettings } from "./server_settings.ts";
import {
  STATUS,
  type StatusCode,
  StatusError,
  statusFields,
} from "./status.ts";
import type { Peer, ServerCall } from "./types.ts";

/** What a call kind does with the client's half of the stream. */
export interface RequestReader {
  message(message: Uint8Array): void;
  /** The client has sent all. */
  end(): void;
  /** The call is over before its end. */
  abort(error: StatusError): void;
  /** Received and not yet used by the handler. */
  readonly unreadBytes: number;
}

/** The connection that a call belongs to. */
export interface StreamHost {
  readonly machine: Http2Connection;
  readonly settings: ServerSettings;
  readonly peer: Peer;
  /** Output waits in the machine. */
  readonly wake: () => void;
  /** The call has ended; `isRequestDone` is false while the client may send more. */
  forget(stream: ServerStream): void;
}

export class ServerStream implements ServerCall {
  readonly streamId: number;
  readonly path: string;
  readonly deadlineMs: number | undefined;
  readonly startedMs: number;
  readonly compression: Compression;
  readonly #host: StreamHost;
  readonly #headers: HeaderList;
  readonly #inbound: InboundMessages;
  #reader: RequestReader | undefined;
  #sink: StreamSink | undefined;
  #deadline: Deadline | undefined;
  #isRequestDone = false;
  #over: StatusError | "finished" | undefined;
  #metadata: Metadata | undefined;
  #trailers: Metadata | undefined;
  #abort: AbortController | undefined;

  constructor(
    host: StreamHost,
    options: {
      streamId: number;
      head: RequestHead;
      headers: HeaderList;
      nowMs: number;
    },
  ) {
    const { head } = options;
    this.#host = host;
    this.streamId = options.streamId;
    this.path = head.path;
    this.startedMs = options.nowMs;
    this.deadlineMs = head.timeoutMs === undefined
      ? undefined
      : options.nowMs + head.timeoutMs;
    this.#headers = options.headers;
    this.compression = head.acceptsGzip
      ? host.settings.responseCompression
      : "identity";
    this.#inbound = new InboundMessages({
      sizeMaxBytes: host.settings.messageSizeMaxBytes,
      compression: head.compression,
    });
  }

  get machine(): Http2Connection {
    return this.#host.machine;
  }

  get peer(): Peer {
    return this.#host.peer;
  }

  get metadata(): Metadata {
    return this.#metadata ??= Metadata.fromHeaders(this.#headers);
  }

  get trailers(): Metadata {
    return this.#trailers ??= new Metadata();
  }

  /** Made on first use: most unary handlers never look. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#over instanceof StatusError) this.#abort.abort(this.#over);
    }
    return this.#abort.signal;
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  get isRequestDone(): boolean {
    return this.#isRequestDone;
  }

  /** The sending half for streaming handlers. */
  get sink(): StreamSink {
    return this.#sink ??= new StreamSink(this, {
      head: this.#responseHead(),
      wake: this.#host.wake,
    });
  }

  /** Gives the call its reader and lets its time run. */
  start(reader: RequestReader): void {
    this.#reader = reader;
    if (this.deadlineMs === undefined) return;
    this.#deadline = this.#host.settings.deadlines.add(
      this.deadlineMs,
      () => this.fail(deadlinePassed()),
    );
  }

  /** DATA of the client. */
  data(bytes: Uint8Array, creditBytes: number): void {
    const inbound = this.#inbound;
    inbound.push(bytes, creditBytes);
    try {
      let message = inbound.next();
      while (message !== undefined && this.#over === undefined) {
        this.#reader?.message(message);
        message = inbound.next();
      }
    } catch (error) {
      this.fail(this.#host.settings.statusOf(error, this));
    }
    this.releaseCredit();
  }

  /** Lets the client send more, unless the handler is behind. */
  releaseCredit(): void {
    const unread = this.#over === undefined
      ? this.#reader?.unreadBytes ?? 0
      : 0;
    const creditBytes = this.#inbound.takeCredit(unread);
    if (creditBytes === 0) return;
    this.machine.releaseCredit(this.streamId, creditBytes);
    this.#host.wake();
  }

  /** The client has sent all. */
  requestEnded(): void {
    this.#isRequestDone = true;
    if (this.#over !== undefined) return;
    if (!this.#inbound.isInMessage) return this.#reader?.end();
    this.fail(
      new StatusError(STATUS.INTERNAL, "The request ended within a message"),
    );
  }

  writable(): void {
    this.#sink?.writable();
  }

  /** The one answer of a unary or client-streaming call, with OK. */
  answer(message: Uint8Array): void {
    if (this.#over !== undefined) return;
    if (this.#sink === undefined) {
      this.machine.sendHeaders(
        this.streamId,
        this.#responseHead(),
        MORE_FOLLOWS,
      );
    } else this.#sink.sendHead();
    sendMessage(this, message, MORE_FOLLOWS);
    this.#sendTrailers(this.#host.settings.trailersOk);
    this.#close(STATUS.OK, "finished");
  }

  /** Ends a streaming call with OK. */
  finish(): void {
    if (this.#over !== undefined) return;
    this.sink.sendHead();
    this.#sendTrailers(this.#host.settings.trailersOk);
    this.#close(STATUS.OK, "finished");
  }

  /** Ends the call with an error; a no-op when it is over. */
  fail(error: StatusError): void {
    if (this.#over !== undefined) return;
    const fields = statusFields(error);
    const fromError = error.trailers.fields();
    const isHeadSent = this.#sink?.isHeadSent ?? false;
    const head = isHeadSent ? [] : this.#responseHead();
    this.#sendTrailers([...head, ...fields, ...fromError]);
    if (!isHeadSent) this.#refuseRest();
    this.#close(error.code, error);
  }

  /** The client need not send the rest; nothing of ours is queued (RFC 9113 section 8.1). */
  #refuseRest(): void {
    if (!this.#isRequestDone) this.machine.reset(this.streamId, NO_ERROR);
  }

  /** What a handler threw becomes the status. */
  failWith(cause: unknown): void {
    if (this.#over !== undefined) return;
    this.fail(this.#host.settings.statusOf(cause, this));
  }

  /** The client reset the stream or the connection is gone: nothing can be sent. */
  abort(error: StatusError): void {
    if (this.#over !== undefined) return;
    this.#isRequestDone = true;
    this.#close(error.code, error);
  }

  #responseHead(): HeaderList {
    const { head, headGzip } = this.#host.settings;
    return this.compression === "gzip" ? headGzip : head;
  }

  #sendTrailers(fields: HeaderList): void {
    const own = this.#trailers?.fields() ?? [];
    const all = own.length === 0 ? fields : [...fields, ...own];
    this.machine.sendHeaders(this.streamId, all, END_STREAM);
  }

  #close(code: StatusCode, over: StatusError | "finished"): void {
    this.#over = over;
    if (this.#deadline !== undefined) {
      this.#host.settings.deadlines.remove(this.#deadline);
    }
    if (over !== "finished") {
      this.#abort?.abort(over);
      this.#sink?.fail(over);
      this.#reader?.abort(over);
    }
    this.releaseCredit();
    this.#host.settings.onCallEnd?.(this, code);
    this.#host.forget(this);
    this.#host.wake();
  }
}

function deadlinePassed(): StatusError {
  return new StatusError(STATUS.DEADLINE_EXCEEDED, "The deadline passed");
}
