/**
 * The numbers that tune Raft, with their defaults. Every bound is here; there is
 * no other place where Raft decides how much is too much.
 */

export interface RaftConfig {
  /**
   * A node waits between one and two of these, drawn anew each time, before it
   * campaigns. It is also the leader's lease, and how long without a quorum's
   * answers a leader goes on.
   */
  readonly electionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How much clocks may differ in pace during one lease. */
  readonly clockDriftMaxMs: number;
  /** A leader whose own write is not durable after this long steps down. */
  readonly diskStallMaxMs: number;
  /** Bytes of entries in one append; one larger entry still goes out. */
  readonly appendBytesMax: number;
  readonly appendEntriesMax: number;
  /** Bytes and appends on the way to one follower. */
  readonly inflightBytesMax: number;
  readonly inflightAppendsMax: number;
  /** Bytes proposed and not yet committed; more is refused as overloaded. */
  readonly uncommittedBytesMax: number;
  readonly snapshotChunkBytesMax: number;
  readonly readsPendingMax: number;
  /** A learner this close to the end of the log becomes a voter. */
  readonly promoteLagEntriesMax: number;
}

const MIB = 1024 * 1024;

export const RAFT_CONFIG_DEFAULT: RaftConfig = {
  electionTimeoutMs: 500,
  heartbeatIntervalMs: 200,
  clockDriftMaxMs: 50,
  diskStallMaxMs: 2_000,
  appendBytesMax: MIB,
  appendEntriesMax: 4_096,
  inflightBytesMax: 8 * MIB,
  inflightAppendsMax: 256,
  uncommittedBytesMax: 64 * MIB,
  snapshotChunkBytesMax: MIB,
  readsPendingMax: 10_000,
  promoteLagEntriesMax: 32,
};
