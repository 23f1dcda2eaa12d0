/**
 * The HTTP/2 connection machine, both roles: joins the receive side, the send
 * side and their shared session behind `Http2Connection` (types.ts).
 * See docs/http2.md.
 */
import { assert } from "../../core/assert.ts";
import {
  writeGoAway,
  writePing,
  writeResetStream,
  writeSettings,
  writeWindowUpdate,
} from "./control_frames.ts";
import { ENHANCE_YOUR_CALM, fault } from "./error_code.ts";
import { WINDOW_BYTES_DEFAULT } from "./flow.ts";
import { PREFACE, STREAM_ID_MAX, writeU32 } from "./frame.ts";
import { FrameReader } from "./frame_reader.ts";
import type { Http2Limits } from "./limits.ts";
import { Receiver } from "./receive.ts";
import { pump, sendData, sendHeaders, writeHeaders } from "./send.ts";
import { Session } from "./session.ts";
import { encodeSettings, type Role } from "./settings.ts";
import type {
  ErrorCode,
  HeaderList,
  Http2Connection,
  Http2Event,
} from "./types.ts";

export class Connection implements Http2Connection {
  readonly #session: Session;
  readonly #reader: FrameReader;

  constructor(role: Role, options: { limits: Http2Limits; nowMs: number }) {
    const session = new Session(role, options);
    this.#session = session;
    this.#reader = new FrameReader(new Receiver(session), {
      expectsPreface: role === "server",
    });
    const { output, limits } = session;
    if (role === "client") output.copy(PREFACE);
    writeSettings(output, encodeSettings(role, limits));
    const growth = limits.connectionWindowBytes - WINDOW_BYTES_DEFAULT;
    if (growth > 0) writeWindowUpdate(output, 0, growth);
  }

  receive(chunk: Uint8Array, nowMs: number): readonly Http2Event[] {
    const session = this.#session;
    if (session.hasFailed) return session.takeEvents();
    session.floods.tick(nowMs);
    const problem = this.#reader.read(chunk) ?? this.#checkOutput();
    if (problem !== undefined) session.fail(problem);
    return session.takeEvents();
  }

  /** Answers that the peer provokes and does not read must not pile up. */
  #checkOutput() {
    const { output, limits } = this.#session;
    if (output.bytes <= limits.untakenOutputMaxBytes) return undefined;
    return fault(ENHANCE_YOUR_CALM, "Peer does not read its answers");
  }

  request(
    headers: HeaderList,
    options: { endStream: boolean },
  ): number | undefined {
    const session = this.#session;
    assert(session.role === "client", "Only a client makes requests");
    const { streams, peer, limits } = session;
    const openMax = Math.min(
      peer.concurrentStreamsMax,
      limits.concurrentStreamsMax,
    );
    const id = streams.nextLocalId();
    if (
      session.hasFailed || session.hasPeerGoneAway ||
      session.lastServedId !== undefined ||
      streams.openCount >= openMax || id > STREAM_ID_MAX
    ) return undefined;
    const isHeadRequest = headers.some(isHeadMethod);
    const stream = session.openStream(id, { isHeadRequest });
    writeHeaders(session, stream, { headers, endStream: options.endStream });
    return id;
  }

  sendHeaders(
    streamId: number,
    headers: HeaderList,
    options: { endStream: boolean },
  ): void {
    const stream = this.#session.streams.get(streamId);
    if (stream === undefined || !stream.isSendable) return;
    const { endStream } = options;
    sendHeaders(this.#session, stream, { headers, endStream });
  }

  sendData(
    streamId: number,
    bytes: Uint8Array,
    options: { endStream: boolean },
  ): boolean {
    const stream = this.#session.streams.get(streamId);
    if (stream === undefined || !stream.isSendable) return true;
    const { endStream } = options;
    return sendData(this.#session, stream, { bytes, endStream });
  }

  releaseCredit(streamId: number, bytes: number): void {
    if (this.#session.hasFailed) return;
    this.#session.releaseCredit(streamId, bytes);
  }

  reset(streamId: number, errorCode: ErrorCode): void {
    const stream = this.#session.streams.get(streamId);
    if (stream === undefined) return;
    writeResetStream(this.#session.output, streamId, errorCode);
    this.#session.closeStream(stream, "reset_by_us");
  }

  ping(payload: number): void {
    assert(
      Number.isSafeInteger(payload) && payload >= 0,
      "A ping payload is a whole number from 0 to 2^53 - 1",
    );
    if (this.#session.hasFailed) return;
    const bytes = new Uint8Array(8);
    writeU32(bytes, 0, Math.floor(payload / 2 ** 32));
    writeU32(bytes, 4, payload % 2 ** 32);
    writePing(this.#session.output, bytes, "ask");
  }

  goAway(errorCode: ErrorCode, debug = ""): void {
    const session = this.#session;
    if (session.hasFailed) return;
    session.lastServedId ??= session.streams.lastPeerId;
    const lastStreamId = session.lastServedId;
    writeGoAway(session.output, { lastStreamId, errorCode, debug });
  }

  takeOutput(): readonly Uint8Array[] {
    pump(this.#session);
    return this.#session.output.take();
  }

  takeEvents(): readonly Http2Event[] {
    return this.#session.takeEvents();
  }

  get openStreamCount(): number {
    return this.#session.streams.openCount;
  }

  get queuedBytes(): number {
    return this.#session.queuedBytes + this.#session.output.bytes;
  }

  get isDone(): boolean {
    const { hasFailed, lastServedId, streams } = this.#session;
    return hasFailed || (lastServedId !== undefined && streams.openCount === 0);
  }
}

function isHeadMethod([name, value]: readonly [string, string]): boolean {
  return name === ":method" && value === "HEAD";
}
