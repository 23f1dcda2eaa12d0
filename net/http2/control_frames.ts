/** Writes the small frames of fixed layout (RFC 9113 section 6) to the output. */
import {
  ACK,
  FRAME_HEAD_BYTES,
  GOAWAY,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  writeFrameHead,
  writeU32,
} from "./frame.ts";
import type { ErrorCode } from "./types.ts";
import type { Output } from "./output.ts";

export function writeSettings(output: Output, payload: Uint8Array): void {
  output.writeFrameHead({
    length: payload.length,
    type: SETTINGS,
    flags: 0,
    streamId: 0,
  });
  output.copy(payload);
}

export function writeSettingsAck(output: Output): void {
  output.writeFrameHead({ length: 0, type: SETTINGS, flags: ACK, streamId: 0 });
}

export function writeResetStream(
  output: Output,
  streamId: number,
  errorCode: ErrorCode,
): void {
  writeU32Frame(output, { type: RST_STREAM, streamId, value: errorCode });
}

export function writeWindowUpdate(
  output: Output,
  streamId: number,
  increment: number,
): void {
  writeU32Frame(output, { type: WINDOW_UPDATE, streamId, value: increment });
}

/** `payload` is eight bytes. */
export function writePing(
  output: Output,
  payload: Uint8Array,
  kind: "ask" | "acknowledge",
): void {
  const flags = kind === "acknowledge" ? ACK : 0;
  output.writeFrameHead({ length: 8, type: PING, flags, streamId: 0 });
  output.copy(payload);
}

export function writeGoAway(
  output: Output,
  end: { lastStreamId: number; errorCode: ErrorCode; debug: string },
): void {
  const debug = new TextEncoder().encode(end.debug);
  const length = 8 + debug.length;
  output.writeFrameHead({ length, type: GOAWAY, flags: 0, streamId: 0 });
  const head = new Uint8Array(8);
  writeU32(head, 0, end.lastStreamId);
  writeU32(head, 4, end.errorCode);
  output.copy(head);
  output.copy(debug);
}

function writeU32Frame(
  output: Output,
  frame: { type: number; streamId: number; value: number },
): void {
  output.reserve(FRAME_HEAD_BYTES + 4);
  const { chunk, position } = output;
  const { type, streamId } = frame;
  writeFrameHead(chunk, position, { length: 4, type, flags: 0, streamId });
  writeU32(chunk, position + FRAME_HEAD_BYTES, frame.value);
  output.commit(position + FRAME_HEAD_BYTES + 4);
}
