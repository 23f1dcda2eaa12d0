/** What reconcile.ts takes and gives, and the figures of its rules. */
import type { ConfigurationChange, NodeId } from "../raft/configuration.ts";
import type { RaftStatus } from "../raft/status.ts";
import type { NodeView } from "./node_view.ts";

export interface ReconcileConfig {
  /** How long a node must be alive before it is added or readdressed. */
  readonly aliveStableMs: number;
  /** A member that left this long ago is removed; before, it may just restart. */
  readonly leftGraceMs: number;
  /** A member that is gone this long is removed. */
  readonly failedReapMs: number;
  /** A member that Raft has not heard for longer is not reachable. */
  readonly silentMaxMs: number;
  /** The wait before the second addition of one node; it doubles with each. */
  readonly dampingFirstMs: number;
  readonly dampingMaxMs: number;
}

export const RECONCILE_CONFIG_DEFAULT: ReconcileConfig = {
  aliveStableMs: 1_000,
  leftGraceMs: 30_000,
  failedReapMs: 72 * 3600 * 1000,
  silentMaxMs: 1_500,
  dampingFirstMs: 5_000,
  dampingMaxMs: 600_000,
};

export interface ReconcileInput {
  readonly nodes: readonly NodeView[];
  /** Names that two living nodes claim, as gossip has told lately. */
  readonly conflictedNames: ReadonlySet<string>;
  /** Our cluster; nodes of another one are not taken in. */
  readonly clusterId: string;
  readonly raft: Pick<
    RaftStatus,
    | "id"
    | "role"
    | "configuration"
    | "configurationIndex"
    | "commitIndex"
    | "peers"
  >;
  /** On the clock of `NodeView.sinceMs`. */
  readonly nowMs: number;
  readonly memory: ReconcileMemory;
  readonly config: ReconcileConfig;
}

/** What has to be remembered between two calls. */
export interface ReconcileMemory {
  /** Members that are not alive, and since when. */
  readonly goneSinceMs: ReadonlyMap<NodeId, number>;
  /** Additions and moves of a node: how many lately, and when the last was. */
  readonly changes: ReadonlyMap<NodeId, { count: number; lastMs: number }>;
}

/** Something that an operator should know; it ends when the cause ends. */
export interface Finding {
  readonly kind:
    | "name_conflict"
    | "address_conflict"
    | "id_conflict"
    | "other_cluster"
    | "no_quorum"
    | "would_cost_quorum"
    | "left"
    | "failed";
  /** Name of the node. */
  readonly node: string;
  readonly text: string;
}

export interface ReconcileResult {
  readonly change: ConfigurationChange | undefined;
  /** Why, for the log line; undefined without a change. */
  readonly reason: string | undefined;
  readonly findings: readonly Finding[];
  readonly memory: ReconcileMemory;
}
