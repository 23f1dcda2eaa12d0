/**
 * What nodes tell each other. Every message names its log (one Raft group per
 * log), sender, receiver and term. `Message` is what arrives; `Outgoing` is what
 * Raft asks the runtime to send, where entries and state are named and not held:
 * the runtime reads the bytes when it writes the message.
 */
import type { LogIndex, Term } from "../ids.ts";
import type { Configuration, NodeId } from "./configuration.ts";
import type { LogStart } from "./log_view.ts";

export interface Envelope {
  readonly log: string;
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; for a pre-vote the term it would campaign in. */
  readonly term: Term;
}

/** Where a candidate's log ends. */
interface Candidacy extends Envelope {
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
}

export interface PreVoteRequest extends Candidacy {
  readonly kind: "pre_vote_request";
}

export interface VoteRequest extends Candidacy {
  readonly kind: "vote_request";
  /** "transfer": the old leader asked for it, so its lease does not count. */
  readonly cause: "timeout" | "transfer";
}

export interface VoteResponse extends Envelope {
  readonly kind: "pre_vote_response" | "vote_response";
  readonly vote: "granted" | "refused";
}

/** An entry as it arrived: what Raft must know of it, and its raw log bytes. */
export type ReceivedEntry =
  & { readonly index: LogIndex; readonly term: Term; readonly raw: Uint8Array }
  & (
    | { readonly kind: "data" | "noop" }
    | { readonly kind: "configuration"; readonly configuration: Configuration }
  );

interface AppendHead extends Envelope {
  readonly kind: "append";
  /** The entry before the first one sent; both 0 at the very beginning. */
  readonly prevIndex: LogIndex;
  readonly prevTerm: Term;
  readonly commitIndex: LogIndex;
}

/** Entries `prevIndex + 1` and on, contiguous; none to probe. */
export interface Append extends AppendHead {
  readonly entries: readonly ReceivedEntry[];
}

/** The runtime attaches the raw bytes of the entries from..to (inclusive). */
export interface AppendOrder extends AppendHead {
  /** Undefined: no entries. */
  readonly range:
    | { readonly from: LogIndex; readonly to: LogIndex }
    | undefined;
}

/** Everything up to `matchIndex` is the leader's log, and durable. */
export interface AppendAccepted extends Envelope {
  readonly kind: "append_accepted";
  readonly matchIndex: LogIndex;
}

/** The entry before the sent ones is missing or has another term. */
export interface AppendRejected extends Envelope {
  readonly kind: "append_rejected";
  readonly prevIndex: LogIndex;
  /** The follower's last entry at or below prevIndex that could match. */
  readonly hintIndex: LogIndex;
  readonly hintTerm: Term;
}

export interface Heartbeat extends Envelope {
  readonly kind: "heartbeat";
  /** Never above what the receiver is known to have. */
  readonly commitIndex: LogIndex;
  /** Counts the leader's rounds; the echo proves that it still led then. */
  readonly round: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly kind: "heartbeat_response";
  /** The heartbeat's round; 0 when it only tells of a newer term. */
  readonly round: number;
}

interface SnapshotHead extends Envelope {
  readonly kind: "snapshot";
  readonly start: LogStart;
  readonly configuration: Configuration;
  /** Position of the chunk in the state bytes. */
  readonly position: number;
}

/** Begin your log here; the state up to there comes in chunks. */
export interface Snapshot extends SnapshotHead {
  readonly stateSizeBytes: number;
  /** CRC-32 of all state bytes: chunks of another state do not fit. */
  readonly stateChecksum: number;
  readonly chunk: Uint8Array;
}

/** The runtime attaches up to `chunkBytesMax` of the state of its start. */
export interface SnapshotOrder extends SnapshotHead {
  readonly chunkBytesMax: number;
}

/** The follower has the first `position` bytes of the state, not yet durable. */
export interface SnapshotResponse extends Envelope {
  readonly kind: "snapshot_response";
  readonly startIndex: LogIndex;
  readonly position: number;
}

/** Campaign at once: leadership is handed over to you. */
export interface TimeoutNow extends Envelope {
  readonly kind: "timeout_now";
}

/** A follower asks from which index on its reads are up to date. */
export interface ReadRequest extends Envelope {
  readonly kind: "read_request";
  readonly context: number;
}

export interface ReadResponse extends Envelope {
  readonly kind: "read_response";
  readonly context: number;
  readonly index: LogIndex;
}

type Common =
  | PreVoteRequest
  | VoteRequest
  | VoteResponse
  | AppendAccepted
  | AppendRejected
  | Heartbeat
  | HeartbeatResponse
  | SnapshotResponse
  | TimeoutNow
  | ReadRequest
  | ReadResponse;

export type Message = Common | Append | Snapshot;
export type Outgoing = Common | AppendOrder | SnapshotOrder;

/** Only the leader of its term sends these. */
export type FromLeader = Append | Heartbeat | Snapshot;

export function isFromLeader(message: Message): message is FromLeader {
  return message.kind === "append" || message.kind === "heartbeat" ||
    message.kind === "snapshot";
}
