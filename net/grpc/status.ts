/**
 * gRPC status: the closed set of codes, the error that carries one, and its
 * trailer fields `grpc-status`, `grpc-message`, `grpc-status-details-bin`.
 * What `google.rpc.Status` holds is not known here: details are bytes.
 */
import type { HeaderField, HeaderList } from "../http2/mod.ts";
import { Metadata } from "./metadata.ts";

/** grpc/doc/statuscodes.md */
export const STATUS = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type StatusName = keyof typeof STATUS;
export type StatusCode = (typeof STATUS)[StatusName];

const CODE_MAX = 16;
const NAMES = Object.keys(STATUS) as StatusName[];

/**
 * What is known of a failed call: the server answered it, the server never saw
 * it (a retry cannot do it twice), or nobody knows.
 */
export type Outcome = "answered" | "not_processed" | "unknown";

export interface StatusOptions {
  /** Default "answered". */
  readonly outcome?: Outcome;
  /** A serialized `google.rpc.Status`. */
  readonly details?: Uint8Array | undefined;
  /** What the peer sent beside the status. */
  readonly trailers?: Metadata;
  /** The number on the wire where it is none of the 17, for example 404. */
  readonly wireCode?: number;
  readonly cause?: unknown;
}

/** A call that did not end with OK; thrown by handlers and by the client. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: StatusCode;
  readonly wireCode: number;
  readonly details: Uint8Array | undefined;
  readonly trailers: Metadata;
  readonly outcome: Outcome;

  constructor(code: StatusCode, message: string, options: StatusOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.wireCode = options.wireCode ?? code;
    this.details = options.details;
    this.trailers = options.trailers ?? new Metadata();
    this.outcome = options.outcome ?? "answered";
  }
}

/** "OUT_OF_RANGE" for 11. */
export function statusName(code: StatusCode): StatusName {
  return NAMES[code] ?? "UNKNOWN";
}

/** The trailer fields of an error, without metadata. */
export function statusFields(error: StatusError): HeaderField[] {
  const fields: HeaderField[] = [["grpc-status", String(error.wireCode)]];
  if (error.message !== "") {
    fields.push(["grpc-message", encodeMessage(error.message)]);
  }
  if (error.details !== undefined) {
    const details = error.details.toBase64({ omitPadding: true });
    fields.push(["grpc-status-details-bin", details]);
  }
  return fields;
}

/** The status in trailers: undefined for OK, "missing" where there is none. */
export function readStatus(
  headers: HeaderList,
): StatusError | undefined | "missing" {
  const text = headers.find((field) => field[0] === "grpc-status")?.[1];
  if (text === "0") return undefined;
  if (text === undefined) return "missing";
  const wireCode = /^\d{1,6}$/.test(text) ? Number(text) : STATUS.UNKNOWN;
  if (wireCode === 0) return undefined;
  return new StatusError(closedCode(wireCode), messageIn(headers), {
    details: detailsIn(headers),
    trailers: Metadata.fromHeaders(headers),
    wireCode,
  });
}

function closedCode(wireCode: number): StatusCode {
  return wireCode <= CODE_MAX ? wireCode as StatusCode : STATUS.UNKNOWN;
}

function messageIn(headers: HeaderList): string {
  const message = headers.find((field) => field[0] === "grpc-message");
  return decodeMessage(message?.[1] ?? "");
}

/** Damaged details are left out: the status itself matters more. */
function detailsIn(headers: HeaderList): Uint8Array | undefined {
  const name = "grpc-status-details-bin";
  const text = headers.find((field) => field[0] === name)?.[1];
  if (text === undefined || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    return undefined;
  }
  const symbols = text.replace(/=+$/, "");
  return symbols.length % 4 === 1 ? undefined : Uint8Array.fromBase64(symbols);
}

/** Percent-encodes the UTF-8 bytes that are not printable ASCII, and "%". */
export function encodeMessage(message: string): string {
  if (/^[ -$&-~]*$/.test(message)) return message;
  let encoded = "";
  for (const byte of new TextEncoder().encode(message)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** Decodes what it can; a "%" without two hex digits stays as it is. */
export function decodeMessage(encoded: string): string {
  if (!encoded.includes("%")) return encoded;
  const bytes: number[] = [];
  for (let at = 0; at < encoded.length; at++) {
    const hex = encoded.slice(at + 1, at + 3);
    if (encoded[at] === "%" && /^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else bytes.push(encoded.charCodeAt(at) & 0xff);
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** For a response without `grpc-status` (grpc/doc/http-grpc-status-mapping.md). */
export function codeOfHttpStatus(httpStatus: string | undefined): StatusCode {
  switch (httpStatus) {
    case "400":
      return STATUS.INTERNAL;
    case "401":
      return STATUS.UNAUTHENTICATED;
    case "403":
      return STATUS.PERMISSION_DENIED;
    case "404":
      return STATUS.UNIMPLEMENTED;
    case "429":
    case "502":
    case "503":
    case "504":
      return STATUS.UNAVAILABLE;
    default:
      return STATUS.UNKNOWN;
  }
}

/** For a stream that ended by RST_STREAM (gRPC over HTTP/2 protocol, "Errors"). */
export function codeOfReset(http2ErrorCode: number): StatusCode {
  switch (http2ErrorCode) {
    case 0x7: // REFUSED_STREAM
      return STATUS.UNAVAILABLE;
    case 0x8: // CANCEL
      return STATUS.CANCELLED;
    case 0xb: // ENHANCE_YOUR_CALM
      return STATUS.RESOURCE_EXHAUSTED;
    case 0xc: // INADEQUATE_SECURITY
      return STATUS.PERMISSION_DENIED;
    default:
      return STATUS.INTERNAL;
  }
}
