/**
 * One client's connection on the server: turns the events of the HTTP/2 machine
 * into calls. Knows no socket: `net/transport` feeds it and takes its output.
 */
import { IdTable } from "../../core/id_table.ts";
import type { ProglogError } from "../../core/errors.ts";
import { unreachable } from "../../core/assert.ts";
import { NO_ERROR } from "../http2/mod.ts";
import type { HeaderList, Http2Connection, Http2Event } from "../http2/mod.ts";
import type { Wire } from "../transport/types.ts";
import { readBidi } from "./bidi.ts";
import { readClientStreaming } from "./client_streaming.ts";
import { type HeadRefusal, readRequestHead } from "./request_head.ts";
import { END_STREAM } from "./send_message.ts";
import type { ServerSettings } from "./server_settings.ts";
import { type RequestReader, ServerStream } from "./server_stream.ts";
import { readServerStreaming } from "./server_streaming.ts";
import { codeOfReset, STATUS, StatusError, statusFields } from "./status.ts";
import type { MethodHandler, Peer } from "./types.ts";
import { readUnary } from "./unary.ts";

export class ServerConnection implements Wire {
  readonly machine: Http2Connection;
  readonly settings: ServerSettings;
  readonly peer: Peer;
  readonly wake: () => void;
  readonly #onClosed: (connection: ServerConnection) => void;
  readonly #streams = new IdTable<ServerStream>();
  #pingCount = 0;
  /** When the chunk that is being read came. */
  #nowMs = 0;
  #isClosed = false;

  constructor(options: {
    machine: Http2Connection;
    settings: ServerSettings;
    peer: Peer;
    wake: () => void;
    onClosed: (connection: ServerConnection) => void;
  }) {
    this.machine = options.machine;
    this.settings = options.settings;
    this.peer = options.peer;
    this.wake = options.wake;
    this.#onClosed = options.onClosed;
  }

  get queuedBytes(): number {
    return this.machine.queuedBytes;
  }

  get isDone(): boolean {
    return this.machine.isDone;
  }

  /** Calls that have not ended. */
  get callCount(): number {
    return this.#streams.size;
  }

  receive(chunk: Uint8Array, nowMs: number): void {
    this.#nowMs = nowMs;
    for (const event of this.machine.receive(chunk, nowMs)) this.#handle(event);
  }

  takeOutput(): readonly Uint8Array[] {
    const output = this.machine.takeOutput();
    for (const event of this.machine.takeEvents()) this.#handle(event);
    return output;
  }

  ping(): void {
    this.machine.ping(++this.#pingCount);
  }

  drain(): void {
    this.machine.goAway(NO_ERROR, "the server stops");
    this.wake();
  }

  /** The socket is gone: every call ends. */
  close(reason: ProglogError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#abortAll(
      new StatusError(STATUS.CANCELLED, reason.message, { cause: reason }),
    );
    this.#onClosed(this);
  }

  forget(stream: ServerStream): void {
    this.#streams.delete(stream.streamId);
  }

  #handle(event: Http2Event): void {
    switch (event.kind) {
      case "headers":
        return this.#headers(event);
      case "data":
        return this.#data(event);
      case "reset":
        return this.#streams.get(event.streamId)?.abort(
          resetByClient(event.errorCode),
        );
      case "writable":
        return this.#streams.get(event.streamId)?.writable();
      case "connection_error":
        return this.#abortAll(
          new StatusError(
            STATUS.CANCELLED,
            `The connection broke: ${event.message}`,
          ),
        );
      case "goaway":
      case "ping_acknowledged":
      case "settings":
        return;
      default:
        unreachable(event);
    }
  }

  #headers(event: Http2Event & { kind: "headers" }): void {
    const { streamId, headers } = event;
    const known = this.#streams.get(streamId);
    if (known !== undefined) return known.requestEnded();
    const result = readRequestHead(headers);
    if (!result.ok) return this.#refuse(streamId, result.refusal);
    const stream = new ServerStream(this, {
      streamId,
      head: result.head,
      headers,
      nowMs: this.#nowMs,
    });
    this.#streams.set(streamId, stream);
    this.#start(stream);
    if (event.endStream) stream.requestEnded();
  }

  #data(event: Http2Event & { kind: "data" }): void {
    const stream = this.#streams.get(event.streamId);
    if (stream === undefined) {
      return this.machine.releaseCredit(event.streamId, event.creditBytes);
    }
    stream.data(event.bytes, event.creditBytes);
    if (event.endStream) stream.requestEnded();
  }

  #start(stream: ServerStream): void {
    const method = this.settings.methods.get(stream.path);
    if (method === undefined) return stream.fail(unknownMethod(stream.path));
    try {
      this.settings.intercept?.(stream);
    } catch (error) {
      return stream.failWith(error);
    }
    stream.start(readerOf(method, stream));
  }

  #refuse(streamId: number, refusal: HeadRefusal): void {
    this.machine.sendHeaders(streamId, refusalFields(refusal), END_STREAM);
  }

  #abortAll(error: StatusError): void {
    for (const stream of this.#streams.values()) stream.abort(error);
  }
}

function readerOf(method: MethodHandler, stream: ServerStream): RequestReader {
  switch (method.kind) {
    case "unary":
      return readUnary(method.handle, stream);
    case "server_stream":
      return readServerStreaming(method.handle, stream);
    case "client_stream":
      return readClientStreaming(method.handle, stream);
    case "bidi":
      return readBidi(method.handle, stream);
    default:
      return unreachable(method);
  }
}

function resetByClient(errorCode: number): StatusError {
  return new StatusError(
    codeOfReset(errorCode),
    `The client reset the call (HTTP/2 error code ${errorCode})`,
  );
}

function unknownMethod(path: string): StatusError {
  return new StatusError(STATUS.UNIMPLEMENTED, `Unknown method ${path}`);
}

function refusalFields(refusal: HeadRefusal): HeaderList {
  if (refusal.kind === "http") return [[":status", refusal.httpStatus]];
  return [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ...statusFields(refusal.error),
  ];
}
