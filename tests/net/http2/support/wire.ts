/** Frames by hand: a peer that can break every rule, and a reader of what comes back. */
import { HpackEncoder } from "../../../../net/http2/hpack/encoder.ts";
import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_HEAD_BYTES,
  type FrameHead,
  GOAWAY,
  HEADERS,
  PING,
  PREFACE,
  readFrameHead,
  readU32,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  writeFrameHead,
  writeU32,
} from "../../../../net/http2/frame.ts";
import type { HeaderList, Http2Connection } from "../../../../net/http2/mod.ts";

export interface WireFrame extends Readonly<FrameHead> {
  readonly payload: Uint8Array;
}

export function frame(
  parts: {
    type: number;
    flags?: number;
    streamId?: number;
    payload?: Uint8Array;
    length?: number;
  },
): Uint8Array {
  const payload = parts.payload ?? new Uint8Array(0);
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + payload.length);
  writeFrameHead(bytes, 0, {
    length: parts.length ?? payload.length,
    type: parts.type,
    flags: parts.flags ?? 0,
    streamId: parts.streamId ?? 0,
  });
  bytes.set(payload, FRAME_HEAD_BYTES);
  return bytes;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

export function u32(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  values.forEach((value, place) => writeU32(bytes, place * 4, value));
  return bytes;
}

/** A header block that needs no dynamic table. */
export function block(headers: HeaderList): Uint8Array {
  const encoder = new HpackEncoder({
    capacityMaxBytes: 4_096,
    rule: () => "not_indexed",
  });
  const into = new Uint8Array(HpackEncoder.boundBytes(headers));
  return into.slice(0, encoder.encode(headers, into, 0));
}

export function headersFrame(
  streamId: number,
  headers: HeaderList,
  flags = END_HEADERS,
): Uint8Array {
  return frame({ type: HEADERS, flags, streamId, payload: block(headers) });
}

export function continuationFrame(
  streamId: number,
  payload: Uint8Array,
  flags = 0,
): Uint8Array {
  return frame({ type: CONTINUATION, flags, streamId, payload });
}

export function dataFrame(
  streamId: number,
  payload: Uint8Array,
  flags = 0,
): Uint8Array {
  return frame({ type: DATA, flags, streamId, payload });
}

export function settingsFrame(
  entries: readonly (readonly [identifier: number, value: number])[] = [],
): Uint8Array {
  const payload = concat(
    ...entries.map(([identifier, value]) =>
      concat(Uint8Array.of(identifier >>> 8, identifier & 0xff), u32(value))
    ),
  );
  return frame({ type: SETTINGS, payload });
}

export const SETTINGS_ACK = frame({ type: SETTINGS, flags: ACK });

export function pingFrame(flags = 0): Uint8Array {
  return frame({ type: PING, flags, payload: u32(0, 1) });
}

export function resetFrame(streamId: number, code: number): Uint8Array {
  return frame({ type: RST_STREAM, streamId, payload: u32(code) });
}

export function windowUpdateFrame(
  streamId: number,
  increment: number,
): Uint8Array {
  return frame({ type: WINDOW_UPDATE, streamId, payload: u32(increment) });
}

export function goAwayFrame(lastStreamId: number, code: number): Uint8Array {
  return frame({ type: GOAWAY, payload: u32(lastStreamId, code) });
}

export const CLIENT_START = concat(PREFACE, settingsFrame());

/** Takes the output of a machine and cuts it into frames (skipping a preface). */
export function takeFrames(connection: Http2Connection): WireFrame[] {
  return parseFrames(concat(...connection.takeOutput()));
}

export function parseFrames(bytes: Uint8Array): WireFrame[] {
  const frames: WireFrame[] = [];
  const startsWithPreface = bytes[0] === PREFACE[0] && bytes[1] === PREFACE[1];
  let at = startsWithPreface ? PREFACE.length : 0;
  while (at < bytes.length) {
    const head = { length: 0, type: 0, flags: 0, streamId: 0 };
    readFrameHead(bytes, at, head);
    at += FRAME_HEAD_BYTES;
    frames.push({ ...head, payload: bytes.slice(at, at + head.length) });
    at += head.length;
  }
  return frames;
}

/** The verdict of a machine: which stream it reset, or that it ended, and with which code. */
export type Verdict =
  | { readonly kind: "fine" }
  | {
    readonly kind: "stream_error";
    readonly id: number;
    readonly code: number;
  }
  | { readonly kind: "connection_error"; readonly code: number };

/** The verdict that the frames in the output give; a GOAWAY counts most. */
export function verdictOf(frames: readonly WireFrame[]): Verdict {
  const goAway = frames.find((sent) => sent.type === GOAWAY);
  if (goAway !== undefined) {
    return { kind: "connection_error", code: readU32(goAway.payload, 4) };
  }
  const reset = frames.find((sent) => sent.type === RST_STREAM);
  if (reset === undefined) return { kind: "fine" };
  const code = readU32(reset.payload, 0);
  return { kind: "stream_error", id: reset.streamId, code };
}

export const END = END_STREAM;
