/**
 * The refusals of a replica, in one place so that their wording is one. After
 * `unavailable` nobody knows whether the records were appended, unless
 * `details.outcome` says "not_appended"; after any other code they were not and
 * will not be.
 */
import { ProglogError } from "../../../core/errors.ts";
import type { NodeId } from "../../../core/raft/configuration.ts";

/** `leader` is where to go instead, while it is known. */
export function notLeader(leader: NodeId | undefined): ProglogError {
  return new ProglogError(
    "not_leader",
    leader === undefined
      ? "Cannot append here as no leader of the log is known"
      : `Cannot append here as ${leader} leads the log`,
    {
      details: {
        outcome: "not_appended",
        ...(leader !== undefined && { leader }),
      },
    },
  );
}

export function outcomeUnknown(why: string): ProglogError {
  return new ProglogError(
    "unavailable",
    `Nobody knows whether the records were appended as ${why}`,
    { details: { outcome: "unknown" } },
  );
}

/** For what was not begun: nothing was appended, and nothing will be. */
export function stopping(): ProglogError {
  return new ProglogError("unavailable", "The agent is stopping", {
    details: { outcome: "not_appended" },
  });
}

export function failed(cause: Error): ProglogError {
  return new ProglogError(
    "unavailable",
    `The log on this node has failed: ${cause.message}`,
    { cause },
  );
}
