/**
 * What Raft asks of its runtime. A `Ready` is taken, worked off in the order
 * below, and answered by `persisted` and `applied`:
 * 1. Write `persist` to the log and the state file, so that the log view shows it.
 * 2. Send `sendNow` (append orders read the log that was just written).
 * 3. Sync. When this and every earlier `persist` is durable: call `persisted`
 *    with `number`, then send `sendAfterPersist`. One sync may serve many Readies.
 * 4. Apply entries up to `committedIndex`, call `applied`, answer `readStates`.
 * A Ready without `persist` still waits with `sendAfterPersist` for earlier ones.
 */
import type { LogIndex, Term } from "../ids.ts";
import type { Configuration, NodeId } from "./configuration.ts";
import type { LogStart } from "./log_view.ts";
import type { Outgoing } from "./messages.ts";

/** Must be durable before any message that depends on it. */
export interface HardState {
  readonly term: Term;
  /** Whom this node voted for in `term`. */
  readonly votedFor: NodeId | undefined;
}

/** What a client asked to append; Raft hands the very object back to be written. */
export interface Proposal {
  /** Size of the entry in the log, for the bounds on what is in flight. */
  readonly sizeBytes: number;
}

/** An entry to write after the last one. */
export type PersistEntry<P extends Proposal = Proposal> =
  & { readonly index: LogIndex; readonly term: Term }
  & (
    | { readonly kind: "data"; readonly proposal: P }
    | { readonly kind: "noop" }
    | { readonly kind: "configuration"; readonly configuration: Configuration }
    /** Bytes of the leader's log, to be written as they are. */
    | { readonly kind: "raw"; readonly raw: Uint8Array }
  );

/** Drop the whole log and begin it after `start`, with this state. */
export interface Reset {
  readonly start: LogStart;
  readonly configuration: Configuration;
  /** The state bytes in order, as they came. */
  readonly state: readonly Uint8Array[];
}

/** To be written in this order: hard state, reset, truncation, entries. */
export interface Persist<P extends Proposal = Proposal> {
  readonly hardState: HardState | undefined;
  readonly reset: Reset | undefined;
  /** Drop this entry and all after it. */
  readonly truncateFrom: LogIndex | undefined;
  readonly entries: readonly PersistEntry<P>[];
}

/** The log up to `index` holds all that was acknowledged when the read began. */
export type ReadState =
  | { readonly ok: true; readonly context: number; readonly index: LogIndex }
  | {
    readonly ok: false;
    readonly context: number;
    readonly reason: "leader_lost";
  };

export type RaftEvent =
  | {
    readonly kind: "role_changed";
    readonly role: RoleName;
    readonly term: Term;
  }
  | { readonly kind: "leader_changed"; readonly leaderId: NodeId | undefined }
  | {
    readonly kind: "stepped_down";
    readonly reason:
      | "higher_term"
      | "quorum_lost"
      | "disk_stalled"
      | "write_failed"
      | "removed";
  }
  | {
    readonly kind: "configuration_changed";
    readonly index: LogIndex;
    readonly configuration: Configuration;
  }
  | { readonly kind: "configuration_committed"; readonly index: LogIndex }
  | { readonly kind: "truncated"; readonly from: LogIndex }
  | { readonly kind: "reset"; readonly start: LogStart }
  | { readonly kind: "transfer_failed"; readonly to: NodeId }
  | {
    readonly kind: "message_ignored";
    readonly from: NodeId;
    readonly reason:
      | "other_log"
      | "other_node"
      | "unknown_member"
      | "beyond_log";
  };

export type RoleName = "follower" | "pre_candidate" | "candidate" | "leader";

export interface Ready<P extends Proposal = Proposal> {
  /** Counts the Readies of this Raft from 1 on. */
  readonly number: number;
  readonly persist: Persist<P> | undefined;
  readonly sendNow: readonly Outgoing[];
  readonly sendAfterPersist: readonly Outgoing[];
  /** Entries up to here may be applied and shown to readers. */
  readonly committedIndex: LogIndex;
  readonly events: readonly RaftEvent[];
  readonly readStates: readonly ReadState[];
}
