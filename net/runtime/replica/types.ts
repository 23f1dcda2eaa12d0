/**
 * What a replica is given and what it shows: the world as interfaces, its
 * settings, and the values of its public operations. No behaviour.
 */
import type { Clock, Disk, Random, Scheduler } from "../../../core/env.ts";
import type { LogFaults } from "../../../core/log/faults.ts";
import type { LogWriterConfig } from "../../../core/log/log_writer.ts";
import type { RetentionPolicy } from "../../../core/log/retention.ts";
import type { Attachment } from "../../../core/raft/codec.ts";
import type { RaftConfig } from "../../../core/raft/config.ts";
import type { NodeId } from "../../../core/raft/configuration.ts";
import type { RaftFaults } from "../../../core/raft/faults.ts";
import type { ChangeRefusal } from "../../../core/raft/membership.ts";
import type { Outgoing } from "../../../core/raft/messages.ts";
import type { RaftEvent } from "../../../core/raft/ready.ts";
import type { TransferResult } from "../../../core/raft/transfer.ts";
import type { FsyncPolicy } from "../fsync.ts";

/** The way to the other replicas of the log. */
export interface ReplicaNetwork {
  /**
   * Sends `message` to `message.to`, or drops it: never blocks, never throws.
   * `encodeMessage` makes bytes of the two; the attachment may not be changed.
   */
  send(message: Outgoing, attachment: Attachment | undefined): void;
}

/** What the owner of a replica is told; for log lines and for its own end. */
export interface ReplicaWatcher {
  event(event: RaftEvent): void;
  /**
   * Called once: the replica can go on no more, its node must end. A
   * ProglogError of the disk, or a broken assertion.
   */
  failed(cause: Error): void;
  /** Something is not as it should be, and the replica goes on: a log line. */
  noticed?(text: string, cause: Error): void;
}

export interface ReplicaEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
}

export interface ReplicaOptions extends ReplicaEnvironment {
  /** For this replica alone; made if it is not there. */
  readonly directory: string;
  /** Name of the log that the group replicates. */
  readonly logName: string;
  /** Identity of the data directory; drawn on first use where none is given. */
  readonly nodeId?: NodeId;
  readonly config: LogWriterConfig;
  readonly retention: RetentionPolicy;
  readonly fsync: FsyncPolicy;
  readonly network: ReplicaNetwork;
  readonly watcher: ReplicaWatcher;
  readonly raft?: Partial<RaftConfig>;
  /** A checkpoint is due after so many bytes of entries; default 64 MiB. */
  readonly checkpointBytes?: number;
  /** Only the simulator's mutation check passes any. */
  readonly faults?: RaftFaults;
  readonly replicaFaults?: ReplicaFaults;
  readonly logFaults?: LogFaults;
}

/**
 * Deliberate bugs of the runtime, for the mutation check of the simulator as
 * core/raft/faults.ts has them for the protocol.
 */
export type ReplicaFault =
  | "apply_twice"
  | "forget_appended_producers"
  | "lose_producers_on_reset";

export type ReplicaFaults = ReadonlySet<ReplicaFault>;

export const NO_REPLICA_FAULTS: ReplicaFaults = new Set();

/** One that founds a cluster. */
export interface Founder {
  readonly id: NodeId;
  readonly name: string;
  /** "host:port" for peers. */
  readonly address: string;
}

export type BootstrapResult =
  | { readonly ok: true }
  /** There is a log, or a term, already: nothing was changed. */
  | { readonly ok: false; readonly reason: "not_empty" };

/** Resolved when the change is committed, or is known not to be. */
export type ChangeOutcome =
  | { readonly ok: true }
  | {
    readonly ok: false;
    /**
     * "lost": another leader's entry took its place, it did not happen.
     * "unknown": leadership was lost before it was committed.
     */
    readonly reason: ChangeRefusal | "lost" | "unknown";
  };

/** Resolved when the transfer has begun, not when it has ended. */
export type TransferOutcome = TransferResult;

/**
 * "nobody": no other voter is heard. "timed_out": those that are did not take
 * over in two election timeouts.
 */
export type HandOverOutcome =
  | "handed_over"
  | "not_leader"
  | "nobody"
  | "timed_out";

/** How the outcome of a refused proposal is told in `details.outcome`. */
export type RefusedOutcome = "not_appended" | "unknown";
