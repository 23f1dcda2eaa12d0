/**
 * The receive side: which frame may come now, how long it may be, and who takes
 * it (RFC 9113 sections 4.2, 5.1 and 6). Rules of single frames are in the
 * receive_*.ts files.
 */
import {
  ENHANCE_YOUR_CALM,
  type Fault,
  fault,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
} from "./error_code.ts";
import {
  ACK,
  CONTINUATION,
  DATA,
  type FrameHead,
  GOAWAY,
  HEADERS,
  PING,
  PRIORITY,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from "./frame.ts";
import type { FrameHandler } from "./frame_reader.ts";
import { ControlReceiver } from "./receive_control.ts";
import { DataReceiver } from "./receive_data.ts";
import { HeadersReceiver } from "./receive_headers.ts";
import type { Session } from "./session.ts";
import { SETTING_BYTES } from "./settings.ts";

const PING_BYTES = 8;
const PRIORITY_BYTES = 5;
const CODE_BYTES = 4; // RST_STREAM and WINDOW_UPDATE
const GOAWAY_MIN_BYTES = 8;

export class Receiver implements FrameHandler {
  readonly #session: Session;
  readonly #data: DataReceiver;
  readonly #headers: HeadersReceiver;
  readonly #control: ControlReceiver;

  constructor(session: Session) {
    this.#session = session;
    this.#data = new DataReceiver(session);
    this.#headers = new HeadersReceiver(session);
    this.#control = new ControlReceiver(session);
  }

  begin(head: Readonly<FrameHead>): Fault | undefined {
    if (head.length > this.#session.limits.frameMaxBytes) {
      return fault(FRAME_SIZE_ERROR, `Frame has ${head.length} bytes`);
    }
    return this.#checkOrder(head) ?? this.#beginType(head);
  }

  #checkOrder(head: Readonly<FrameHead>): Fault | undefined {
    const continued = this.#headers.continuedStreamId;
    if (
      continued !== undefined &&
      (head.type !== CONTINUATION || head.streamId !== continued)
    ) return fault(PROTOCOL_ERROR, "A header block is interrupted");
    if (
      !this.#control.hasSettings &&
      (head.type !== SETTINGS || (head.flags & ACK) !== 0)
    ) return fault(PROTOCOL_ERROR, "SETTINGS must come first");
    return undefined;
  }

  #beginType(head: Readonly<FrameHead>): Fault | undefined {
    switch (head.type) {
      case DATA:
        return this.#data.begin(head);
      case HEADERS:
        return this.#headers.begin(head);
      case CONTINUATION:
        return this.#headers.beginContinuation(head);
      case SETTINGS:
        return this.#beginSettings(head);
      case PING:
        return onConnection(head) ?? ofSize(head, PING_BYTES);
      case GOAWAY:
        if (head.length < GOAWAY_MIN_BYTES) {
          return fault(FRAME_SIZE_ERROR, "GOAWAY is too short");
        }
        return onConnection(head);
      case RST_STREAM:
        return onStream(head) ?? ofSize(head, CODE_BYTES);
      case WINDOW_UPDATE:
        return ofSize(head, CODE_BYTES);
      case PRIORITY:
        return onStream(head) ?? this.#beginPriority(head);
      case PUSH_PROMISE:
        return fault(PROTOCOL_ERROR, "PUSH_PROMISE is not allowed");
      default:
        return this.#session.floods.count("ignoredFrames");
    }
  }

  #beginSettings(head: Readonly<FrameHead>): Fault | undefined {
    const misplaced = onConnection(head);
    if (misplaced !== undefined) return misplaced;
    const isAck = (head.flags & ACK) !== 0;
    if (head.length % SETTING_BYTES !== 0 || (isAck && head.length > 0)) {
      return fault(FRAME_SIZE_ERROR, `SETTINGS has ${head.length} bytes`);
    }
    const entries = head.length / SETTING_BYTES;
    if (entries > this.#session.limits.settingsPerFrameMax) {
      return fault(ENHANCE_YOUR_CALM, `SETTINGS has ${entries} entries`);
    }
    return undefined;
  }

  /** Deprecated (section 5.3.2): ignored, on any stream and in any state. */
  #beginPriority(head: Readonly<FrameHead>): Fault | undefined {
    const flood = this.#session.floods.count("ignoredFrames");
    if (flood !== undefined || head.length === PRIORITY_BYTES) return flood;
    // A reset of an idle stream would itself break the rules (section 6.4).
    return this.#session.streams.get(head.streamId) === undefined
      ? fault(FRAME_SIZE_ERROR, `PRIORITY has ${head.length} bytes`)
      : this.#session.streamError(head.streamId, FRAME_SIZE_ERROR);
  }

  wantedBytes(head: Readonly<FrameHead>): number {
    if (head.type > CONTINUATION || head.type === PRIORITY) return 0;
    if (head.type !== GOAWAY) return head.length;
    const debugMaxBytes = this.#session.limits.goAwayDebugMaxBytes;
    return Math.min(head.length, GOAWAY_MIN_BYTES + debugMaxBytes);
  }

  payload(
    head: Readonly<FrameHead>,
    bytes: Uint8Array,
    from: number,
    end: number,
  ): Fault | undefined {
    switch (head.type) {
      case HEADERS:
        return this.#headers.headers(head, bytes, from, end);
      case CONTINUATION:
        return this.#headers.continuation(head, bytes, from, end);
      case SETTINGS:
        return this.#control.settings(head, bytes, from, end);
      case PING:
        return this.#control.ping(head, bytes, from, end);
      case WINDOW_UPDATE:
        return this.#control.windowUpdate(head, bytes, from);
      case RST_STREAM:
        return this.#control.resetStream(head, bytes, from);
      case GOAWAY:
        return this.#control.goAway(bytes, from, end);
      default:
        return undefined; // PRIORITY and unknown types
    }
  }

  dataPiece(bytes: Uint8Array, from: number, end: number): Fault | undefined {
    return this.#data.piece(bytes, from, end);
  }
}

function onConnection(head: Readonly<FrameHead>): Fault | undefined {
  if (head.streamId === 0) return undefined;
  return fault(PROTOCOL_ERROR, "A connection frame names a stream");
}

function onStream(head: Readonly<FrameHead>): Fault | undefined {
  if (head.streamId !== 0) return undefined;
  return fault(PROTOCOL_ERROR, "A stream frame names no stream");
}

function ofSize(head: Readonly<FrameHead>, bytes: number): Fault | undefined {
  if (head.length === bytes) return undefined;
  return fault(FRAME_SIZE_ERROR, `Frame has ${head.length} bytes`);
}
