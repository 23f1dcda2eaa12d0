/**
 * Streams as data: bytes come in under a stream's number, work goes out. Each
 * stream carries one message each way and has a deadline; all together they
 * may hold back only so many bytes.
 */
import { unreachable } from "../assert.ts";
import { STREAM_TOTAL_BYTES_MAX, STREAMS_INBOUND_MAX } from "./limits.ts";
import { finishProbe } from "./probe.ts";
import { encodeLocalState, mergeRemoteState } from "./push_pull.ts";
import type { SwimState } from "./state.ts";
import { encodeCompressed } from "./wire/compress.ts";
import { type Endpoint, formatEndpoint } from "./wire/ip.ts";
import { encodeLabel } from "./wire/label.ts";
import {
  encodeAck,
  encodeError,
  type Ping,
  type UserMessage,
} from "./wire/messages.ts";
import type { PushPull } from "./wire/push_pull.ts";
import { concat, sealStream } from "./wire/seal.ts";
import { type StreamMessage, StreamReader } from "./wire/stream_reader.ts";

export interface StreamSession {
  readonly id: number;
  readonly peer: Endpoint;
  readonly purpose:
    | { readonly kind: "inbound" }
    | { readonly kind: "push_pull"; readonly isJoin: boolean }
    | { readonly kind: "ping"; readonly seqNo: number };
  readonly reader: StreamReader;
  readonly deadlineMs: number;
}

const NO_PAYLOAD = new Uint8Array(0);

/** A peer connected; undefined if there are too many already. */
export function acceptStream(
  state: SwimState,
  from: Endpoint,
): number | undefined {
  let inbound = 0;
  for (const { purpose } of state.streams.values()) {
    if (purpose.kind === "inbound") inbound++;
  }
  if (inbound >= STREAMS_INBOUND_MAX) {
    state.delegate.onNotice(`Refused a stream of ${from.host}: too many`);
    return undefined;
  }
  const reader = new StreamReader(state.config.envelope, "dialled_by_peer");
  return addSession(state, {
    peer: from,
    purpose: { kind: "inbound" },
    reader,
    deadlineMs: state.nowMs + state.config.timings.streamTimeoutMs,
  });
}

export function openPushPull(
  state: SwimState,
  request: { to: Endpoint; bytes: Uint8Array; isJoin: boolean },
): void {
  open(state, request.to, request.bytes, {
    purpose: { kind: "push_pull", isJoin: request.isJoin },
    deadlineMs: state.nowMs + state.config.timings.streamTimeoutMs,
  });
}

export function openStreamPing(
  state: SwimState,
  request: {
    to: Endpoint;
    ping: Uint8Array;
    seqNo: number;
    deadlineMs: number;
  },
): void {
  open(state, request.to, request.ping, {
    purpose: { kind: "ping", seqNo: request.seqNo },
    deadlineMs: request.deadlineMs,
  });
}

/** Bytes came; unknown numbers are streams that have ended already. */
export function receiveStream(
  state: SwimState,
  streamId: number,
  bytes: Uint8Array,
): void {
  const session = state.streams.get(streamId);
  if (session === undefined) return;
  const progress = session.reader.push(bytes);
  if (progress.kind === "refused") {
    fail(state, session, progress.reason);
  } else if (progress.kind === "message") {
    handle(state, session, progress.message);
  } else if (heldBytes(state) > STREAM_TOTAL_BYTES_MAX) {
    fail(state, session, "all streams together hold too many bytes");
  }
}

/** The peer closed, or the connection failed. */
export function endStream(
  state: SwimState,
  streamId: number,
  reason: string,
): void {
  const session = state.streams.get(streamId);
  if (session !== undefined) fail(state, session, reason);
}

export function tickStreams(state: SwimState): void {
  for (const session of state.streams.values()) {
    if (session.deadlineMs <= state.nowMs) fail(state, session, "timed out");
  }
}

export function streamsDeadlineMs(state: SwimState): number {
  let deadlineMs = Number.POSITIVE_INFINITY;
  for (const session of state.streams.values()) {
    deadlineMs = Math.min(deadlineMs, session.deadlineMs);
  }
  return deadlineMs;
}

function open(
  state: SwimState,
  to: Endpoint,
  message: Uint8Array,
  session: Pick<StreamSession, "purpose" | "deadlineMs">,
): void {
  const reader = new StreamReader(state.config.envelope, "dialled_by_us");
  const streamId = addSession(state, { ...session, peer: to, reader });
  const label = encodeLabel(state.config.envelope.label);
  const bytes = concat([label, wrap(state, message)]);
  state.work.streams.push({ kind: "open", streamId, to, bytes });
}

function addSession(
  state: SwimState,
  session: Omit<StreamSession, "id">,
): number {
  const id = state.nextStreamId++;
  state.streams.set(id, { ...session, id });
  return id;
}

function handle(
  state: SwimState,
  session: StreamSession,
  message: StreamMessage,
): void {
  switch (message.kind) {
    case "push_pull":
      return handlePushPull(state, session, message);
    case "ping":
    case "user":
      return handleInbound(state, session, message);
    case "ack":
      if (session.purpose.kind !== "ping") break;
      finishProbe(state, message.seqNo);
      return close(state, session);
    case "error":
      return fail(state, session, `the peer says: ${message.error}`);
    default:
      return unreachable(message);
  }
  fail(state, session, `unexpected ${message.kind}`);
}

/** What only the dialling side may send. */
function handleInbound(
  state: SwimState,
  session: StreamSession,
  message: Ping | UserMessage,
): void {
  if (session.purpose.kind !== "inbound") {
    return fail(state, session, `unexpected ${message.kind}`);
  }
  if (message.kind === "ping") return answerPing(state, session, message);
  close(state, session);
  state.delegate.onMessage(message.payload);
}

/** Our state goes out before theirs is merged: it is what we knew till then. */
function handlePushPull(
  state: SwimState,
  session: StreamSession,
  remote: PushPull,
): void {
  const { purpose } = session;
  if (purpose.kind === "ping") return fail(state, session, "not an ack");
  if (purpose.kind === "inbound") {
    send(state, session, encodeLocalState(state, { isJoin: remote.isJoin }));
  }
  close(state, session);
  const refusal = mergeRemoteState(state, remote);
  if (refusal !== undefined) {
    state.delegate.onNotice(`Refused the state of a peer: ${refusal}`);
  }
  if (purpose.kind === "push_pull") {
    const { isJoin } = purpose;
    const to = session.peer;
    state.delegate.onExchange({ to, isJoin, failure: refusal });
  }
}

function answerPing(
  state: SwimState,
  session: StreamSession,
  ping: Ping,
): void {
  if (ping.node === "" || ping.node === state.config.name) {
    const ack = encodeAck({ seqNo: ping.seqNo, payload: NO_PAYLOAD });
    send(state, session, ack);
  }
  close(state, session);
}

function send(
  state: SwimState,
  session: StreamSession,
  message: Uint8Array,
): void {
  const bytes = wrap(state, message);
  state.work.streams.push({ kind: "send", streamId: session.id, bytes });
}

function close(state: SwimState, session: StreamSession): void {
  state.streams.delete(session.id);
  state.work.streams.push({ kind: "close", streamId: session.id });
}

function fail(
  state: SwimState,
  session: StreamSession,
  reason: string,
): void {
  const { purpose, peer } = session;
  if (purpose.kind === "inbound" && reason !== "closed") {
    send(state, session, encodeError(reason));
  }
  close(state, session);
  if (purpose.kind === "push_pull") {
    const { isJoin } = purpose;
    state.delegate.onExchange({ to: peer, isJoin, failure: reason });
  }
  if (purpose.kind !== "ping" && reason !== "closed") {
    const where = formatEndpoint(peer);
    state.delegate.onNotice(`Stream with ${where} failed: ${reason}`);
  }
}

function wrap(state: SwimState, message: Uint8Array): Uint8Array {
  const { envelope, streamCompression } = state.config;
  const packed = streamCompression === "lzw"
    ? encodeCompressed(message)
    : message;
  const { cipher, label } = envelope;
  return cipher === undefined ? packed : sealStream(packed, { cipher, label });
}

function heldBytes(state: SwimState): number {
  let held = 0;
  for (const { reader } of state.streams.values()) held += reader.heldBytes;
  return held;
}
