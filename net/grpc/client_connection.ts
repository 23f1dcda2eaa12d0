/**
 * The client's side of one connection: opens streams, hands events to their
 * calls, lets calls wait while the server's stream limit is reached. Knows no
 * socket: `net/transport` feeds it and takes its output.
 */
import { IdTable } from "../../core/id_table.ts";
import { unreachable } from "../../core/assert.ts";
import { ProglogError } from "../../core/errors.ts";
import { NO_ERROR } from "../http2/mod.ts";
import type { Http2Connection, Http2Event } from "../http2/mod.ts";
import type { Wire } from "../transport/types.ts";
import type { CallHost, ClientStream } from "./client_stream.ts";
import type { DeadlineQueue } from "./deadlines.ts";
import { STATUS, StatusError } from "./status.ts";

/** Calls that wait for a free stream; more are refused. */
const WAITING_CALLS_MAX = 10_000;

/** "draining": open calls go on, new ones are refused. */
export type ConnectionState = "connecting" | "ready" | "draining" | "closed";

export class ClientConnection implements Wire, CallHost {
  readonly machine: Http2Connection;
  readonly deadlines: DeadlineQueue;
  readonly messageSizeMaxBytes: number;
  readonly wake: () => void;
  /** Called when the state changes; `reason` with "closed". */
  onState: (state: ConnectionState, reason?: ProglogError) => void = () =>
    undefined;
  /** When bytes of the server last came. */
  lastReceivedMs = -Infinity;
  readonly #streams = new IdTable<ClientStream>();
  readonly #waiting = new Set<ClientStream>();
  #pingCount = 0;
  #state: ConnectionState = "connecting";
  #closedReason: ProglogError | undefined;

  constructor(options: {
    machine: Http2Connection;
    deadlines: DeadlineQueue;
    messageSizeMaxBytes: number;
    wake: () => void;
  }) {
    this.machine = options.machine;
    this.deadlines = options.deadlines;
    this.messageSizeMaxBytes = options.messageSizeMaxBytes;
    this.wake = options.wake;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Why the connection closed, in words. */
  get closedReason(): ProglogError | undefined {
    return this.#closedReason;
  }

  get queuedBytes(): number {
    return this.machine.queuedBytes;
  }

  get isDone(): boolean {
    return this.machine.isDone;
  }

  /** Calls that have not ended. */
  get callCount(): number {
    return this.#streams.size + this.#waiting.size;
  }

  /** Opens the stream of a call now or as soon as the server's limit allows. */
  open(stream: ClientStream): void {
    if (stream.isOver) return;
    if (this.#state === "draining" || this.#state === "closed") {
      return stream.abort(this.#unavailable("not_processed"));
    }
    if (this.#waiting.size > 0 || !this.#tryOpen(stream)) this.#wait(stream);
  }

  #tryOpen(stream: ClientStream): boolean {
    const streamId = this.machine.request(stream.headers, { endStream: false });
    if (streamId === undefined) return false;
    this.#streams.set(streamId, stream);
    stream.opened(streamId);
    this.wake();
    return true;
  }

  #wait(stream: ClientStream): void {
    if (this.#waiting.size < WAITING_CALLS_MAX) {
      this.#waiting.add(stream);
      return;
    }
    stream.abort(
      new StatusError(
        STATUS.RESOURCE_EXHAUSTED,
        `Cannot start a call as ${WAITING_CALLS_MAX} calls wait for a stream`,
        { outcome: "not_processed" },
      ),
    );
  }

  forget(stream: ClientStream): void {
    if (stream.streamId === 0) this.#waiting.delete(stream);
    else this.#streams.delete(stream.streamId);
    this.#openWaiting();
  }

  #openWaiting(): void {
    for (const stream of this.#waiting) {
      if (!this.#tryOpen(stream)) return;
      this.#waiting.delete(stream);
    }
  }

  receive(chunk: Uint8Array, nowMs: number): void {
    this.lastReceivedMs = nowMs;
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
    if (this.#state === "closed") return;
    this.machine.goAway(NO_ERROR);
    this.#setState("draining");
    this.wake();
  }

  close(reason: ProglogError): void {
    if (this.#state === "closed") return;
    this.#closedReason ??= reason;
    this.#setState("closed", this.#closedReason);
    this.#abortAll();
  }

  #handle(event: Http2Event): void {
    switch (event.kind) {
      case "headers":
        return this.#streams.get(event.streamId)?.receiveHeaders(
          event.headers,
          event,
        );
      case "data":
        return this.#data(event);
      case "reset":
        return this.#streams.get(event.streamId)?.receiveReset(event.errorCode);
      case "writable":
        return this.#streams.get(event.streamId)?.onWritable();
      case "settings":
        return this.#ready();
      case "goaway":
        return this.#goAway(event);
      case "connection_error":
        return this.close(
          new ProglogError(
            "unavailable",
            `The connection broke: ${event.message}`,
          ),
        );
      case "ping_acknowledged":
        return;
      default:
        unreachable(event);
    }
  }

  #data(event: Http2Event & { kind: "data" }): void {
    const stream = this.#streams.get(event.streamId);
    if (stream === undefined) {
      return this.machine.releaseCredit(event.streamId, event.creditBytes);
    }
    stream.receiveData(event.bytes, event.creditBytes);
    if (event.endStream) stream.endedWithoutStatus();
  }

  #ready(): void {
    if (this.#state === "connecting") this.#setState("ready");
    this.#openWaiting();
  }

  #goAway(event: Http2Event & { kind: "goaway" }): void {
    const why = event.debug === "" ? "" : `: ${event.debug}`;
    this.#closedReason ??= new ProglogError(
      "unavailable",
      `The server takes no new calls on this connection (GOAWAY ${event.errorCode}${why})`,
    );
    this.#setState("draining");
    for (const stream of [...this.#waiting]) {
      stream.abort(this.#unavailable("not_processed"));
    }
    this.machine.goAway(NO_ERROR);
  }

  #setState(state: ConnectionState, reason?: ProglogError): void {
    if (this.#state === state || this.#state === "closed") return;
    this.#state = state;
    this.onState(state, reason);
  }

  #abortAll(): void {
    for (const stream of [...this.#waiting]) {
      stream.abort(this.#unavailable("not_processed"));
    }
    for (const stream of this.#streams.values()) {
      stream.abort(this.#unavailable("unknown"));
    }
  }

  #unavailable(outcome: "not_processed" | "unknown"): StatusError {
    const reason = this.#closedReason;
    const message = reason?.message ?? "The connection is closing";
    return new StatusError(STATUS.UNAVAILABLE, message, {
      outcome,
      cause: reason,
    });
  }
}
