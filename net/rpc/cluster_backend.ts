/**
 * What the handlers need from a node that belongs to a cluster, beside
 * backend.ts. A node without a cluster provides none of it; the handlers then
 * answer for a cluster of one.
 */
import type { Consistency } from "./messages.ts";

/** One that gossip knows, perhaps from long ago. */
export interface MemberFacts {
  readonly name: string;
  /** Gossip address, "host:port". */
  readonly address: string;
  readonly status: "alive" | "leaving" | "left" | "failed";
  readonly tags: Readonly<Record<string, string>>;
  /** How long the status has lasted. */
  readonly sinceMs: number;
}

export interface ReplicaFacts {
  readonly id: string;
  readonly name: string;
  /** "host:port" for clients and peers. */
  readonly address: string;
  readonly role: "voter" | "learner";
  readonly isLeader: boolean;
  /** What only the leader knows of its followers. */
  readonly progress: {
    readonly state: "probe" | "replicate" | "catching_up";
    readonly matchIndex: number;
    readonly lagRecords: number;
    /** Age of the oldest record that it lacks; 0 when it lacks none. */
    readonly lagMs: number;
    readonly silentMs: number;
  } | undefined;
}

/** One log's Raft group as one node sees it. */
export interface RaftFacts {
  readonly role: "follower" | "pre_candidate" | "candidate" | "leader";
  readonly term: number;
  /** Undefined while no leader is known. */
  readonly leaderId: string | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly replicas: readonly ReplicaFacts[];
  /**
   * How many more voters may fail before writes stop, negative when they have
   * stopped; only the leader knows.
   */
  readonly faultToleranceLeft: number | undefined;
}

export interface VoterSetFacts {
  /** Names, sorted. */
  readonly voters: readonly string[];
  readonly quorum: number;
  /** Voters that are heard now, the leader included. */
  readonly reachableCount: number;
  /** Negative when there is no quorum. */
  readonly faultToleranceLeft: number;
}

/** What a removal would do; see core/cluster/removal.ts, which makes it. */
export interface RemovalFacts {
  readonly id: string;
  readonly name: string;
  /** Why it is refused; undefined when it is not. */
  readonly refusal: string | undefined;
  readonly before: VoterSetFacts;
  readonly after: VoterSetFacts;
}

export type KeyOperation = "list" | "install" | "use" | "remove";

export interface GossipKeyFacts {
  readonly keys: readonly {
    readonly key: string;
    readonly installedCount: number;
    readonly primaryCount: number;
  }[];
  readonly failures: readonly {
    readonly node: string;
    readonly message: string;
  }[];
  readonly nodeCount: number;
}

export interface ClusterBackend {
  readonly nodeId: string;
  /** Empty while it is not known. */
  readonly clusterId: string;
  members(): readonly MemberFacts[];
  /** Undefined for an unknown log. */
  raft(log: string): RaftFacts | undefined;
  /**
   * Resolves with the new leader once it is known. `to` is a name or an id,
   * undefined for the follower that is furthest. Rejects with `not_leader`,
   * `not_found`, `invalid_argument` or `unavailable` (it did not work).
   */
  transferLeader(
    request: { log: string; to: string | undefined },
  ): Promise<{ id: string; name: string }>;
  /**
   * The plan, and with `mode` "remove" its execution: resolves when the change
   * is committed. Rejects with `not_leader`, `not_found`, or `invalid_argument`
   * with the plan's refusal.
   */
  removeNode(
    request: { node: string; mode: "dry_run" | "remove" },
  ): Promise<RemovalFacts>;
  /** Rejects with `invalid_argument` when gossip is not encrypted. */
  gossipKey(
    request: { operation: KeyOperation; key: string },
  ): Promise<GossipKeyFacts>;
}

/**
 * Waits until a read here is as fresh as asked: "leader" rejects with
 * `not_leader` elsewhere, "linearizable" resolves when everything that was
 * acknowledged before the call can be read here, or rejects with `unavailable`.
 */
export type ReadBarrier = (
  consistency: Exclude<Consistency, "local">,
  signal: AbortSignal,
) => Promise<void>;
