/**
 * What handlers and callers of gRPC see: methods, messages as bytes, status,
 * metadata, deadline, cancellation. Nothing of HTTP/2 or sockets shows here, so
 * that a test can call a handler in process.
 */
import type { Metadata } from "./metadata.ts";

/** Who is on the other side of a connection, as far as the transport proved it. */
export interface Peer {
  /** Common name of the client certificate's subject; undefined without TLS. */
  readonly subject: string | undefined;
  /** "peer": the certificate is that of a node; "client": of anyone else, or none. */
  readonly role: "peer" | "client";
  /** For log lines: "127.0.0.1:50412". */
  readonly address: string;
}

export interface ServerCall {
  /** "/log.v1.Log/Produce" */
  readonly path: string;
  readonly metadata: Metadata;
  readonly peer: Peer;
  /** Monotonic milliseconds at which the caller stops waiting; undefined for never. */
  readonly deadlineMs: number | undefined;
  /** Aborted when the caller cancels, the deadline passes or the connection ends. */
  readonly signal: AbortSignal;
  /** Sent with the status; may be added to until the handler ends. */
  readonly trailers: Metadata;
}

/**
 * A handler reports failure by throwing a StatusError (see status.ts). Request
 * bytes are never overwritten: a handler may keep them, or views of them.
 */
export type UnaryHandler = (
  request: Uint8Array,
  call: ServerCall,
) => Promise<Uint8Array> | Uint8Array;

/** Where a streaming handler puts its messages. */
export interface MessageSink {
  /**
   * Queues one message. Returns false when the peer is slow: await `drained()`
   * before the next one. Throws `cancelled` once the call is over.
   */
  send(message: Uint8Array): boolean;
  /**
   * As `send`, without a copy: the message is `buffer` from `start` (at least 5)
   * to its end. The 5 bytes before `start` are overwritten, and the caller must
   * not touch the buffer again.
   */
  sendWithHeadroom(buffer: Uint8Array, start: number): boolean;
  drained(): Promise<void>;
}

export type ServerStreamHandler = (
  request: Uint8Array,
  sink: MessageSink,
  call: ServerCall,
) => Promise<void>;

/** Messages of the client come as an async iterable with back-pressure. */
export type ClientStreamHandler = (
  requests: AsyncIterable<Uint8Array>,
  call: ServerCall,
) => Promise<Uint8Array>;

export type BidiHandler = (
  requests: AsyncIterable<Uint8Array>,
  sink: MessageSink,
  call: ServerCall,
) => Promise<void>;

export type MethodHandler =
  | { readonly kind: "unary"; readonly handle: UnaryHandler }
  | { readonly kind: "server_stream"; readonly handle: ServerStreamHandler }
  | { readonly kind: "client_stream"; readonly handle: ClientStreamHandler }
  | { readonly kind: "bidi"; readonly handle: BidiHandler };

/** Full method path ("/log.v1.Log/Produce") to handler. */
export type Methods = ReadonlyMap<string, MethodHandler>;
