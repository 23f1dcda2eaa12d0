/**
 * What a failed try at the leader means: whether something was appended is
 * certain or not, and whether another try may do better. Pure.
 */
import { isProglogError, ProglogError } from "../../core/errors.ts";
import { STATUS, StatusError } from "../grpc/status.ts";
import { fromStatusError } from "./status.ts";

export interface Failure {
  readonly error: ProglogError;
  /** "not_done": it was not done and will not be. */
  readonly outcome: "not_done" | "unknown";
  /** "final": what the leader answered, for the caller. */
  readonly next: "retry" | "final";
  /** "unknown": nobody was asked, as no leader is known. */
  readonly leader?: "unknown";
}

/** For errors of a call to the leader, of dialling it, and of doing it here. */
export function failureOf(error: unknown): Failure {
  if (error instanceof StatusError) return statusFailure(error);
  if (!isProglogError(error)) throw error;
  return answered(error);
}

/** The leader cannot be reached: nothing was sent. */
export function dialFailure(error: unknown): Failure {
  if (!isProglogError(error)) throw error;
  return { error, outcome: "not_done", next: "retry" };
}

function statusFailure(status: StatusError): Failure {
  const error = fromStatusError(status);
  if (status.outcome === "answered") return answered(error);
  const outcome = status.outcome === "not_processed" ? "not_done" : "unknown";
  const isOver = status.code === STATUS.CANCELLED ||
    status.code === STATUS.DEADLINE_EXCEEDED;
  return { error, outcome, next: isOver ? "final" : "retry" };
}

function answered(error: ProglogError): Failure {
  const { code, details } = error;
  if (code === "not_leader") {
    return { error, outcome: "not_done", next: "retry" };
  }
  if (code !== "unavailable") {
    return { error, outcome: "not_done", next: "final" };
  }
  const isCertain = details["outcome"] === "not_appended";
  return { error, outcome: isCertain ? "not_done" : "unknown", next: "retry" };
}

/** The caller has no idempotency key: it must decide itself. */
export function outcomeUnknown(cause: ProglogError): ProglogError {
  return new ProglogError(
    "unavailable",
    `Nobody knows whether it was done, as the way to the leader broke: ${cause.message}`,
    { details: { ...cause.details, outcome: "unknown" }, cause },
  );
}
