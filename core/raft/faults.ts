/**
 * Deliberate protocol bugs. Only the simulator's mutation check passes any: a
 * checker that does not find each of them is not worth its name. The agent
 * never does, and `NO_FAULTS` is the default.
 */

export type RaftFault =
  | "vote_before_persist"
  | "commit_old_term"
  | "ack_before_sync"
  | "skip_pre_vote_term_check"
  | "forget_to_truncate"
  | "two_changes_at_once"
  | "read_without_quorum";

export type RaftFaults = ReadonlySet<RaftFault>;

export const NO_FAULTS: RaftFaults = new Set();
