/** Error codes of RST_STREAM and GOAWAY (RFC 9113 section 7). Permanent. */
import type { ErrorCode } from "./types.ts";

export const NO_ERROR: ErrorCode = 0x0;
export const PROTOCOL_ERROR: ErrorCode = 0x1;
export const INTERNAL_ERROR: ErrorCode = 0x2;
export const FLOW_CONTROL_ERROR: ErrorCode = 0x3;
export const SETTINGS_TIMEOUT: ErrorCode = 0x4;
export const STREAM_CLOSED: ErrorCode = 0x5;
export const FRAME_SIZE_ERROR: ErrorCode = 0x6;
export const REFUSED_STREAM: ErrorCode = 0x7;
export const CANCEL: ErrorCode = 0x8;
export const COMPRESSION_ERROR: ErrorCode = 0x9;
export const CONNECT_ERROR: ErrorCode = 0xa;
export const ENHANCE_YOUR_CALM: ErrorCode = 0xb;
export const INADEQUATE_SECURITY: ErrorCode = 0xc;
export const HTTP_1_1_REQUIRED: ErrorCode = 0xd;

/** A connection error (RFC 9113 section 5.4.1): what the peer did, as code and text. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
}

export function fault(code: ErrorCode, message: string): Fault {
  return { code, message };
}
