/**
 * The state that both sides of a connection share: streams, windows, tables,
 * output, events. The files receive_*.ts and send.ts work on it; connection.ts
 * makes it. What is here belongs to neither side alone: opening, closing, errors.
 */
import { IdTable } from "../../core/id_table.ts";
import {
  writeGoAway,
  writeResetStream,
  writeWindowUpdate,
} from "./control_frames.ts";
import type { Fault } from "./error_code.ts";
import { ReceiveWindow, SendWindow, WINDOW_BYTES_DEFAULT } from "./flow.ts";
import { FloodGuard } from "./floods.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import type { Http2Limits } from "./limits.ts";
import type { SectionFindings } from "./message_rules.ts";
import { Output } from "./output.ts";
import { initialPeerSettings, type Role } from "./settings.ts";
import { Stream } from "./stream.ts";
import { type Fate, Streams } from "./streams.ts";
import type { ErrorCode, Http2Event } from "./types.ts";

const NO_EVENTS: readonly Http2Event[] = [];

export class Session {
  readonly role: Role;
  readonly limits: Http2Limits;
  readonly output = new Output();
  readonly encoder: HpackEncoder;
  readonly decoder: HpackDecoder<SectionFindings>;
  readonly floods: FloodGuard;
  readonly streams: Streams;
  readonly receiveWindow: ReceiveWindow;
  readonly sendWindow = new SendWindow(WINDOW_BYTES_DEFAULT);
  readonly peer = initialPeerSettings();
  /** Streams with queued data and an open window, in their turn. */
  readonly ready = new Set<Stream>();
  /** Streams that wait for "writable". */
  readonly blocked = new Set<Stream>();
  /** Bytes in all send queues. */
  queuedBytes = 0;
  /** Highest stream that we still serve; undefined before our GOAWAY. */
  lastServedId: number | undefined;
  hasPeerGoneAway = false;
  hasFailed = false;

  /** Credit of streams that ended while the layer above still held their data. */
  readonly #owed = new IdTable<number>();
  #events: Http2Event[] = [];

  constructor(
    role: Role,
    options: { limits: Http2Limits; nowMs: number },
  ) {
    const { limits, nowMs } = options;
    this.role = role;
    this.limits = limits;
    this.encoder = new HpackEncoder({
      capacityMaxBytes: limits.encoderTableMaxBytes,
    });
    this.decoder = new HpackDecoder({
      tableBytes: limits.headerTableBytes,
      listMaxBytes: limits.headerListMaxBytes,
      fieldsMax: limits.headerFieldsMax,
    });
    this.floods = new FloodGuard(limits, nowMs);
    this.streams = new Streams(role, limits.closedStreamsRememberedMax);
    this.receiveWindow = new ReceiveWindow(limits.connectionWindowBytes);
  }

  emit(event: Http2Event): void {
    this.#events.push(event);
  }

  takeEvents(): readonly Http2Event[] {
    if (this.#events.length === 0) return NO_EVENTS;
    const events = this.#events;
    this.#events = [];
    return events;
  }

  openStream(id: number, options: { isHeadRequest: boolean }): Stream {
    const stream = new Stream({
      id,
      receiveWindowBytes: this.limits.streamWindowBytes,
      sendWindowBytes: this.peer.streamWindowBytes,
      openedBy: this.role === "server" ? "peer" : "us",
      isHeadRequest: options.isHeadRequest,
    });
    this.streams.add(stream);
    return stream;
  }

  /** Closes the stream once both sides have ended. */
  closeIfEnded(stream: Stream): void {
    if (stream.hasLocalEnded && stream.hasRemoteEnded) {
      this.closeStream(stream, "ended");
    }
  }

  closeStream(stream: Stream, fate: Fate): void {
    if (stream.isClosed) return;
    stream.isClosed = true;
    this.streams.close(stream, fate);
    if (stream.queue !== undefined) {
      this.queuedBytes -= stream.queue.bytes;
      stream.queue.clear();
      this.ready.delete(stream);
      this.blocked.delete(stream);
    }
    if (stream.heldBytes > 0) {
      if (fate === "ended") this.#owed.set(stream.id, stream.heldBytes);
      else this.releaseConnectionCredit(stream.heldBytes);
    }
  }

  /** Credit comes back for data that the layer above had; more than it had is ignored. */
  releaseCredit(streamId: number, bytes: number): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) return this.#releaseOwed(streamId, bytes);
    const released = Math.min(bytes, stream.heldBytes);
    stream.heldBytes -= released;
    this.releaseStreamCredit(stream, released);
    this.releaseConnectionCredit(released);
  }

  releaseStreamCredit(stream: Stream, bytes: number): void {
    if (stream.hasRemoteEnded) return;
    const increment = stream.receiveWindow.release(bytes);
    if (increment > 0) writeWindowUpdate(this.output, stream.id, increment);
  }

  releaseConnectionCredit(bytes: number): void {
    const increment = this.receiveWindow.release(bytes);
    if (increment > 0) writeWindowUpdate(this.output, 0, increment);
  }

  #releaseOwed(streamId: number, bytes: number): void {
    const owed = this.#owed.get(streamId);
    if (owed === undefined) return;
    const released = Math.min(owed, bytes);
    if (released === owed) this.#owed.delete(streamId);
    else this.#owed.set(streamId, owed - released);
    this.releaseConnectionCredit(released);
  }

  /**
   * A stream error that the peer caused (RFC 9113 section 5.4.2). The layer above
   * hears of it if it knows the stream. Too many of them are a connection error.
   */
  streamError(streamId: number, errorCode: ErrorCode): Fault | undefined {
    const stream = this.streams.get(streamId);
    writeResetStream(this.output, streamId, errorCode);
    if (stream === undefined) {
      this.streams.remember(streamId, "reset_by_us");
    } else {
      this.closeStream(stream, "reset_by_us");
      this.emit({ kind: "reset", streamId, errorCode });
    }
    return this.floods.count("resets");
  }

  /** Ends the connection with a GOAWAY (RFC 9113 section 5.4.1). */
  fail(problem: Fault): void {
    this.hasFailed = true;
    writeGoAway(this.output, {
      // It must not grow after an earlier GOAWAY (RFC 9113 section 6.8).
      lastStreamId: this.lastServedId ?? this.streams.lastPeerId,
      errorCode: problem.code,
      debug: problem.message,
    });
    this.streams.clear();
    this.ready.clear();
    this.blocked.clear();
    this.#owed.clear();
    this.queuedBytes = 0;
    this.emit({
      kind: "connection_error",
      errorCode: problem.code,
      message: problem.message,
    });
  }
}
