/**
 * The one error class for what the outside world does to us (disk, network,
 * damaged bytes, bad input). Bugs are `assert`; expected outcomes are unions.
 */

export type ErrorCode =
  | "already_exists" // something that must be new is there
  | "cancelled" // the caller gave up
  | "corrupt" // bytes on disk or on the wire break their format
  | "deadline_exceeded" // the caller's deadline passed
  | "disk_full" // ENOSPC or a quota
  | "disk_failed" // any other I/O error of a disk
  | "invalid_argument" // the caller's input is wrong
  | "locked" // another process holds the data directory
  | "not_found" // a log, node or file that does not exist
  | "not_leader" // this node cannot accept the write
  | "offset_out_of_range" // outside lowest..highest
  | "out_of_order" // a producer's sequence number skips one
  | "overloaded" // a bounded queue is full
  | "permission_denied" // authenticated, not allowed
  | "too_large" // over a named limit
  | "unauthenticated" // no usable identity
  | "unavailable"; // try again later or elsewhere

/** Facts that handlers and tests may read; values are plain data. */
export type ErrorDetails = Readonly<Record<string, string | number>>;

export class ProglogError extends Error {
  override readonly name = "ProglogError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: ErrorDetails; cause?: unknown } = {},
  ) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Whether `error` is a ProglogError, with `code` where one is given. */
export function isProglogError(
  error: unknown,
  code?: ErrorCode,
): error is ProglogError {
  return error instanceof ProglogError &&
    (code === undefined || error.code === code);
}
