/**
 * The frames that steer a connection: SETTINGS, PING, WINDOW_UPDATE, RST_STREAM,
 * GOAWAY (RFC 9113 sections 6.4 to 6.9). Their sizes are checked by receive.ts.
 *
 *   RST_STREAM     error code (32)
 *   WINDOW_UPDATE  R (1), increment (31)
 *   PING           opaque (64)
 *   GOAWAY         R (1), last stream id (31), error code (32), debug ...
 */
import { writePing, writeSettingsAck } from "./control_frames.ts";
import {
  type Fault,
  fault,
  FLOW_CONTROL_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
} from "./error_code.ts";
import { ACK, type FrameHead, readU32, STREAM_ID_MAX } from "./frame.ts";
import { resumeStream } from "./send.ts";
import type { Session } from "./session.ts";
import { applySettings, type PeerSettings } from "./settings.ts";

const UNLIMITED_STREAMS = 2 ** 32 - 1;

export class ControlReceiver {
  readonly #session: Session;
  #hasSettings = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Whether the peer's first SETTINGS, which comes before all else, is here. */
  get hasSettings(): boolean {
    return this.#hasSettings;
  }

  settings(
    head: Readonly<FrameHead>,
    bytes: Uint8Array,
    from: number,
    end: number,
  ): Fault | undefined {
    if ((head.flags & ACK) !== 0) {
      this.#session.decoder.settingsAcknowledged();
      return undefined;
    }
    const { peer, role, floods } = this.#session;
    const flood = floods.count("settings");
    if (flood !== undefined) return flood;
    const before = { ...peer };
    if (!this.#hasSettings) peer.concurrentStreamsMax = UNLIMITED_STREAMS;
    const sender = role === "server" ? "client" : "server";
    const problem = applySettings(peer, { bytes, from, end, sender });
    if (problem !== undefined) return problem;
    return this.#adopt(before);
  }

  #adopt(before: PeerSettings): Fault | undefined {
    const { peer, encoder, output } = this.#session;
    if (peer.headerTableBytes !== before.headerTableBytes) {
      encoder.setPeerCapacity(peer.headerTableBytes);
    }
    const growth = peer.streamWindowBytes - before.streamWindowBytes;
    const problem = growth === 0 ? undefined : this.#moveWindows(growth);
    if (problem !== undefined) return problem;
    writeSettingsAck(output);
    if (
      !this.#hasSettings ||
      peer.concurrentStreamsMax !== before.concurrentStreamsMax
    ) {
      const { concurrentStreamsMax } = peer;
      this.#session.emit({ kind: "settings", concurrentStreamsMax });
    }
    this.#hasSettings = true;
    return undefined;
  }

  /** A changed initial window moves those of all open streams, below zero too (section 6.9.2). */
  #moveWindows(growth: number): Fault | undefined {
    for (const stream of this.#session.streams.all()) {
      if (!stream.sendWindow.change(growth)) {
        return fault(FLOW_CONTROL_ERROR, "SETTINGS overflow a stream window");
      }
      resumeStream(this.#session, stream);
    }
    return undefined;
  }

  ping(
    head: Readonly<FrameHead>,
    bytes: Uint8Array,
    from: number,
    end: number,
  ): Fault | undefined {
    if ((head.flags & ACK) === 0) {
      const flood = this.#session.floods.count("pings");
      if (flood !== undefined) return flood;
      const payload = bytes.subarray(from, end);
      writePing(this.#session.output, payload, "acknowledge");
      return undefined;
    }
    const high = readU32(bytes, from);
    const payload = high * 2 ** 32 + readU32(bytes, from + 4);
    if (!Number.isSafeInteger(payload)) {
      return this.#session.floods.count("ignoredFrames"); // not one of ours
    }
    this.#session.emit({ kind: "ping_acknowledged", payload });
    return undefined;
  }

  windowUpdate(
    head: Readonly<FrameHead>,
    bytes: Uint8Array,
    from: number,
  ): Fault | undefined {
    const { streams, sendWindow, floods } = this.#session;
    const { streamId } = head;
    const flood = floods.count("windowUpdates");
    if (flood !== undefined) return flood;
    const increment = readU32(bytes, from) & STREAM_ID_MAX;
    if (streamId === 0) {
      if (increment === 0) {
        return fault(PROTOCOL_ERROR, "WINDOW_UPDATE adds nothing");
      }
      if (sendWindow.change(increment)) return undefined;
      return fault(FLOW_CONTROL_ERROR, "Connection window overflows");
    }
    const stream = streams.get(streamId);
    if (stream === undefined) {
      return this.#checkNotIdle(head, "WINDOW_UPDATE");
    }
    if (increment === 0) {
      return this.#session.streamError(streamId, PROTOCOL_ERROR);
    }
    if (!stream.sendWindow.change(increment)) {
      return this.#session.streamError(streamId, FLOW_CONTROL_ERROR);
    }
    resumeStream(this.#session, stream);
    return undefined;
  }

  resetStream(
    head: Readonly<FrameHead>,
    bytes: Uint8Array,
    from: number,
  ): Fault | undefined {
    const flood = this.#session.floods.count("resets");
    if (flood !== undefined) return flood;
    const { streamId } = head;
    const stream = this.#session.streams.get(streamId);
    if (stream === undefined) return this.#checkNotIdle(head, "RST_STREAM");
    this.#session.closeStream(stream, "reset_by_peer");
    const errorCode = readU32(bytes, from);
    this.#session.emit({ kind: "reset", streamId, errorCode });
    return undefined;
  }

  #checkNotIdle(head: Readonly<FrameHead>, name: string): Fault | undefined {
    if (!this.#session.streams.isIdle(head.streamId)) return undefined;
    return fault(PROTOCOL_ERROR, `${name} is on an idle stream`);
  }

  goAway(
    bytes: Uint8Array,
    from: number,
    end: number,
  ): Fault | undefined {
    const flood = this.#session.floods.count("settings");
    if (flood !== undefined) return flood;
    const lastStreamId = readU32(bytes, from) & STREAM_ID_MAX;
    const errorCode = readU32(bytes, from + 4);
    const debug = new TextDecoder().decode(bytes.subarray(from + 8, end));
    this.#session.hasPeerGoneAway = true;
    this.#session.emit({ kind: "goaway", lastStreamId, errorCode, debug });
    if (this.#session.role === "client") this.#refuseAbove(lastStreamId);
    return undefined;
  }

  /** Our streams that the peer did not and will not process. */
  #refuseAbove(lastStreamId: number): void {
    for (const stream of [...this.#session.streams.all()]) {
      if (stream.id <= lastStreamId) continue;
      this.#session.closeStream(stream, "reset_by_us");
      this.#session.emit({
        kind: "reset",
        streamId: stream.id,
        errorCode: REFUSED_STREAM,
      });
    }
  }
}
