/**
 * Takes a write that reached a follower to the leader, as the same gRPC method.
 * What the leader answers is the answer; a leader that changes is followed
 * inside the deadline as long as no record can be appended twice by it.
 * Implemented by leader_forwarder.ts. Callers: produce.ts, admin.ts.
 */
import type { MessageSink, ServerCall } from "../grpc/types.ts";

export interface ForwardRequest {
  /** "/log.v1.Log/Produce" */
  readonly path: string;
  readonly message: Uint8Array;
  readonly call: ServerCall;
  /** "yes": doing it twice is the same as once, so an unknown outcome is retried. */
  readonly isRepeatable: "yes" | "no";
  /** Done in place of forwarding while this node leads. */
  readonly doHere: () => Promise<Uint8Array>;
}

export interface ForwardStreamRequest {
  readonly path: string;
  /** Each answered by one message, in order. */
  readonly messages: AsyncIterable<Uint8Array>;
  readonly sink: MessageSink;
  readonly call: ServerCall;
  /** Whether a message has an idempotency key. */
  readonly isRepeatable: (message: Uint8Array) => boolean;
}

export interface Forwarder {
  /** "here": this node leads, or a forwarded call may go no further. */
  route(log: string, call: ServerCall): "here" | "leader";
  /** Throws what the leader answered, `unavailable` or `deadline_exceeded`. */
  unary(log: string, request: ForwardRequest): Promise<Uint8Array>;
  stream(log: string, request: ForwardStreamRequest): Promise<void>;
}
