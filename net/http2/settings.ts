/**
 * SETTINGS (RFC 9113 section 6.5): entries of six bytes, applied in order.
 *
 *   +-------------------------------+
 *   | identifier (16)               |
 *   +-------------------------------+-------------------------------+
 *   | value (32)                                                    |
 *   +---------------------------------------------------------------+
 */
import {
  type Fault,
  fault,
  FLOW_CONTROL_ERROR,
  PROTOCOL_ERROR,
} from "./error_code.ts";
import { WINDOW_BYTES_DEFAULT, WINDOW_BYTES_MAX } from "./flow.ts";
import {
  FRAME_MAX_BYTES_DEFAULT,
  FRAME_MAX_BYTES_LIMIT,
  readU32,
  writeU32,
} from "./frame.ts";
import type { Http2Limits } from "./limits.ts";

export const SETTING_BYTES = 6;

export const HEADER_TABLE_SIZE = 0x1;
export const ENABLE_PUSH = 0x2;
export const MAX_CONCURRENT_STREAMS = 0x3;
export const INITIAL_WINDOW_SIZE = 0x4;
export const MAX_FRAME_SIZE = 0x5;
export const MAX_HEADER_LIST_SIZE = 0x6;

/** Until a server has told its limit, a client opens no more than this (section 6.5.2 advises 100). */
const CONCURRENT_STREAMS_BEFORE_SETTINGS = 100;

export type Role = "client" | "server";

/** What the peer asked of us; the start values are those of the RFC. */
export interface PeerSettings {
  headerTableBytes: number;
  concurrentStreamsMax: number;
  streamWindowBytes: number;
  frameMaxBytes: number;
}

export function initialPeerSettings(): PeerSettings {
  return {
    headerTableBytes: 4_096,
    concurrentStreamsMax: CONCURRENT_STREAMS_BEFORE_SETTINGS,
    streamWindowBytes: WINDOW_BYTES_DEFAULT,
    frameMaxBytes: FRAME_MAX_BYTES_DEFAULT,
  };
}

/** Payload of our SETTINGS: what `limits` grant the peer. */
export function encodeSettings(role: Role, limits: Http2Limits): Uint8Array {
  const entries: [number, number][] = [
    [HEADER_TABLE_SIZE, limits.headerTableBytes],
    [INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
    [MAX_FRAME_SIZE, limits.frameMaxBytes],
    [MAX_HEADER_LIST_SIZE, limits.headerListMaxBytes],
    role === "client"
      ? [ENABLE_PUSH, 0]
      : [MAX_CONCURRENT_STREAMS, limits.concurrentStreamsMax],
  ];
  const payload = new Uint8Array(entries.length * SETTING_BYTES);
  entries.forEach(([identifier, value], place) => {
    const at = place * SETTING_BYTES;
    payload[at] = identifier >>> 8;
    payload[at + 1] = identifier;
    writeU32(payload, at + 2, value);
  });
  return payload;
}

/** Applies the entries `from` to `end`, a multiple of six bytes; unknown ones are ignored. */
export function applySettings(
  settings: PeerSettings,
  payload: { bytes: Uint8Array; from: number; end: number; sender: Role },
): Fault | undefined {
  const { bytes, end, sender } = payload;
  for (let at = payload.from; at < end; at += SETTING_BYTES) {
    const identifier = bytes[at]! << 8 | bytes[at + 1]!;
    const value = readU32(bytes, at + 2);
    const problem = applySetting(settings, { identifier, value, sender });
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function applySetting(
  settings: PeerSettings,
  entry: { identifier: number; value: number; sender: Role },
): Fault | undefined {
  const { identifier, value } = entry;
  if (identifier === HEADER_TABLE_SIZE) {
    settings.headerTableBytes = value;
  } else if (identifier === ENABLE_PUSH) {
    // A server must not offer what only a client may allow.
    if (value > (entry.sender === "client" ? 1 : 0)) {
      return fault(PROTOCOL_ERROR, `Setting ENABLE_PUSH is ${value}`);
    }
  } else if (identifier === MAX_CONCURRENT_STREAMS) {
    settings.concurrentStreamsMax = value;
  } else if (identifier === INITIAL_WINDOW_SIZE) {
    if (value > WINDOW_BYTES_MAX) {
      return fault(
        FLOW_CONTROL_ERROR,
        `Setting INITIAL_WINDOW_SIZE is ${value}`,
      );
    }
    settings.streamWindowBytes = value;
  } else if (identifier === MAX_FRAME_SIZE) {
    if (value < FRAME_MAX_BYTES_DEFAULT || value > FRAME_MAX_BYTES_LIMIT) {
      return fault(PROTOCOL_ERROR, `Setting MAX_FRAME_SIZE is ${value}`);
    }
    settings.frameMaxBytes = value;
  }
  return undefined;
}
