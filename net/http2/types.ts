/**
 * The interface of the HTTP/2 connection machine (RFC 9113): what goes in and
 * what comes out. No sockets, no timers; `nowMs` is an argument.
 * Callers: `net/grpc` (semantics) and `net/transport` (sockets).
 */

/** Header fields in order: lower-case name, value. Values are latin-1 text. */
export type HeaderField = readonly [name: string, value: string];
export type HeaderList = readonly HeaderField[];

/** RFC 9113 section 7. */
export type ErrorCode = number;

/** What `receive` tells the layer above, in the order of the wire. */
export type Http2Event =
  /** Request or response head, or trailers (then `endStream` is true). */
  | {
    readonly kind: "headers";
    readonly streamId: number;
    readonly headers: HeaderList;
    readonly endStream: boolean;
  }
  /**
   * A view into the received chunk: use it or copy it before the next `receive`.
   * The receive window shrinks by `creditBytes` until `releaseCredit` gives it back.
   */
  | {
    readonly kind: "data";
    readonly streamId: number;
    readonly bytes: Uint8Array;
    readonly creditBytes: number;
    readonly endStream: boolean;
  }
  /** The stream is over before its end: RST_STREAM, or refused by a GOAWAY. */
  | {
    readonly kind: "reset";
    readonly streamId: number;
    readonly errorCode: ErrorCode;
  }
  /** A stream whose queue was over its high mark may send again. */
  | { readonly kind: "writable"; readonly streamId: number }
  /** The peer's first SETTINGS arrived, or later ones changed the limits. */
  | { readonly kind: "settings"; readonly concurrentStreamsMax: number }
  | { readonly kind: "ping_acknowledged"; readonly payload: number }
  /** The peer takes no new streams; those above `lastStreamId` were not processed. */
  | {
    readonly kind: "goaway";
    readonly lastStreamId: number;
    readonly errorCode: ErrorCode;
    readonly debug: string;
  }
  /**
   * The connection is broken by the peer. A GOAWAY is in the output already:
   * write it, then close. No further event follows.
   */
  | {
    readonly kind: "connection_error";
    readonly errorCode: ErrorCode;
    readonly message: string;
  };

/** Both roles. After a `connection_error` every call is a no-op. */
export interface Http2Connection {
  /** Takes bytes from the peer, in chunks of any size. Never throws on input. */
  receive(chunk: Uint8Array, nowMs: number): readonly Http2Event[];

  /** Client only: opens a stream; undefined when the peer's limit is reached or it is going away. */
  request(
    headers: HeaderList,
    options: { endStream: boolean },
  ): number | undefined;
  /** Response head or trailers. Trailers wait behind queued data. Ignored on a closed stream. */
  sendHeaders(
    streamId: number,
    headers: HeaderList,
    options: { endStream: boolean },
  ): void;
  /**
   * Queues data; the machine cuts it into frames as windows allow and keeps a
   * reference to `bytes` (no copy) until it is in the output.
   * Returns false when the stream's queue is over its high mark: stop until "writable".
   */
  sendData(
    streamId: number,
    bytes: Uint8Array,
    options: { endStream: boolean },
  ): boolean;
  /** Gives flow-control credit back once the receiver has used the bytes. */
  releaseCredit(streamId: number, bytes: number): void;
  reset(streamId: number, errorCode: ErrorCode): void;
  ping(payload: number): void;
  /** Stops taking new streams; open ones go on (RFC 9113 section 6.8). */
  goAway(errorCode: ErrorCode, debug?: string): void;

  /** Takes what must be written now, in order; empty when there is nothing. */
  takeOutput(): readonly Uint8Array[];
  /**
   * Events that arose outside `receive`: "writable" when `takeOutput` emptied a
   * queue. Call it after `takeOutput`; `receive` returns what waits here as well.
   */
  takeEvents(): readonly Http2Event[];

  /** Streams that are not closed. */
  readonly openStreamCount: number;
  /** Bytes queued for the peer: waiting for windows or for `takeOutput`. */
  readonly queuedBytes: number;
  /** True after `goAway` when the last open stream is done, or after an error. */
  readonly isDone: boolean;
}
