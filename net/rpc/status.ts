/**
 * The one table between our errors and gRPC status codes, with the details that
 * a client may show: LocalizedMessage (as the reference) and ErrorInfo.
 * Callers: the handlers on the way out, `net/client` on the way in.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import {
  type ErrorCode,
  type ErrorDetails,
  ProglogError,
} from "../../core/errors.ts";
import {
  ErrorInfoSchema,
  LocalizedMessageSchema,
} from "./gen/google/rpc/error_details_pb.ts";
import { STATUS, StatusError, type StatusName } from "../grpc/status.ts";
import { type Status, StatusSchema } from "./gen/google/rpc/status_pb.ts";

/** `ErrorInfo.domain` of every error of ours. */
export const ERROR_DOMAIN = "proglog";

const STATUS_NAMES: Readonly<Record<ErrorCode, StatusName>> = {
  already_exists: "ALREADY_EXISTS",
  cancelled: "CANCELLED",
  corrupt: "DATA_LOSS",
  deadline_exceeded: "DEADLINE_EXCEEDED",
  disk_failed: "UNAVAILABLE",
  disk_full: "UNAVAILABLE",
  invalid_argument: "INVALID_ARGUMENT",
  locked: "FAILED_PRECONDITION",
  not_found: "NOT_FOUND",
  not_leader: "UNAVAILABLE",
  offset_out_of_range: "OUT_OF_RANGE",
  out_of_order: "ABORTED",
  overloaded: "RESOURCE_EXHAUSTED",
  permission_denied: "PERMISSION_DENIED",
  too_large: "RESOURCE_EXHAUSTED",
  unauthenticated: "UNAUTHENTICATED",
  unavailable: "UNAVAILABLE",
};

/** Codes for a status without our ErrorInfo, from other servers or the transport. */
const CODES_BY_STATUS: ReadonlyMap<number, ErrorCode> = new Map([
  [1, "cancelled"],
  [3, "invalid_argument"],
  [4, "deadline_exceeded"],
  [5, "not_found"],
  [7, "permission_denied"],
  // Ours names itself: without our ErrorInfo it is a message over a size limit.
  [8, "too_large"],
  [11, "offset_out_of_range"],
  [15, "corrupt"],
  [16, "unauthenticated"],
  // The Go reference answers an offset outside the log with this number.
  [404, "offset_out_of_range"],
]);

/** For the gRPC server: the status of an error of ours, undefined for others. */
export function statusOf(error: unknown): StatusError | undefined {
  return error instanceof ProglogError ? toStatusError(error) : undefined;
}

export function toStatusError(error: ProglogError): StatusError {
  const code = STATUS[STATUS_NAMES[error.code]];
  const status = create(StatusSchema, {
    code,
    message: error.message,
    details: [
      anyPack(
        LocalizedMessageSchema,
        create(LocalizedMessageSchema, {
          locale: "en-US",
          message: localized(error),
        }),
      ),
      anyPack(
        ErrorInfoSchema,
        create(ErrorInfoSchema, {
          reason: error.code.toUpperCase(),
          domain: ERROR_DOMAIN,
          metadata: textValues(error.details),
        }),
      ),
    ],
  });
  return new StatusError(code, error.message, {
    details: toBinary(StatusSchema, status),
    cause: error,
  });
}

/** What a client throws for a status from the wire. */
export function fromStatusError(status: StatusError): ProglogError {
  const info = errorInfo(status.details);
  const code = info?.code ?? CODES_BY_STATUS.get(status.wireCode) ??
    "unavailable";
  return new ProglogError(code, status.message, {
    details: info?.details ?? {},
    cause: status,
  });
}

/** The reference's words for the one error that it gives a text for. */
function localized(error: ProglogError): string {
  if (error.code !== "offset_out_of_range") return error.message;
  return `The requested offset is outside of the log: ${error.details.offset}`;
}

function errorInfo(
  details: Uint8Array | undefined,
): { code: ErrorCode; details: ErrorDetails } | undefined {
  for (const any of parseStatus(details)?.details ?? []) {
    const info = anyUnpack(any, ErrorInfoSchema);
    if (info?.domain !== ERROR_DOMAIN) continue;
    const code = info.reason.toLowerCase();
    if (isErrorCode(code)) return { code, details: info.metadata };
  }
  return undefined;
}

function parseStatus(details: Uint8Array | undefined): Status | undefined {
  if (details === undefined) return undefined;
  try {
    return fromBinary(StatusSchema, details);
  } catch (_) {
    return undefined; // Details are a courtesy; the code and message stand.
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(STATUS_NAMES, code);
}

function textValues(details: ErrorDetails): Record<string, string> {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => [key, String(value)]),
  );
}
