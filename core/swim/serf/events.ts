/** What the gossip core tells its user. Plain data; nothing here acts. */
import type { Endpoint } from "../wire/ip.ts";
import type { KeyOperation } from "../wire/serf_keys.ts";
import type { Tags } from "../wire/tags.ts";

/** "leaving" has said that it goes; "left" is gone by will, "failed" is not. */
export type MemberStatus = "alive" | "leaving" | "left" | "failed";

export interface MemberView {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly tags: Tags;
  readonly status: MemberStatus;
  /** When the status began, on the clock of the inputs. */
  readonly sinceMs: number;
}

export interface MemberEvent {
  readonly kind:
    | "member_join"
    | "member_update"
    | "member_leave"
    | "member_failed"
    /** Forgotten: a tombstone ran out or was pruned. */
    | "member_reap";
  readonly member: MemberView;
}

export type GossipEvent =
  | MemberEvent
  | {
    /** Two live nodes have one name; `isOurs` if it is our own. */
    readonly kind: "name_conflict";
    readonly name: string;
    readonly isOurs: boolean;
    readonly known: Endpoint;
    readonly claimed: Endpoint;
  }
  | {
    readonly kind: "user_event";
    readonly name: string;
    readonly payload: Uint8Array;
    readonly lamportTime: number;
  }
  | { readonly kind: "query"; readonly query: ReceivedQuery }
  | {
    /** Serf's own query about gossip keys: the runtime answers it. */
    readonly kind: "key_query";
    readonly operation: KeyOperation;
    readonly query: ReceivedQuery;
  }
  | {
    readonly kind: "query_response" | "query_ack";
    readonly id: number;
    readonly from: string;
    readonly payload: Uint8Array;
  }
  | { readonly kind: "query_done"; readonly id: number }
  | {
    /** A join that was asked for has ended. */
    readonly kind: "join_attempt";
    readonly to: Endpoint;
    readonly failure: string | undefined;
  }
  /** Our leave is known as far as it will be: stop now. */
  | { readonly kind: "left" }
  /** Worth a line in the log, nothing more. */
  | { readonly kind: "notice"; readonly text: string };

/** A query that waits for an answer until `deadlineMs`. */
export interface ReceivedQuery {
  readonly name: string;
  readonly payload: Uint8Array;
  readonly from: string;
  readonly id: number;
  readonly lamportTime: number;
  readonly replyTo: Endpoint;
  readonly relayFactor: number;
  readonly deadlineMs: number;
}
