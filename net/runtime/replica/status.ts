/**
 * What operators see of a replica; a leader also knows how far each follower is.
 */
import type { Clock } from "../../../core/env.ts";
import { isProglogError } from "../../../core/errors.ts";
import { type LogIndex, logIndex } from "../../../core/ids.ts";
import type { Entry } from "../../../core/log/entry.ts";
import type { Log } from "../../../core/log/log.ts";
import { votersOf } from "../../../core/raft/configuration.ts";
import type { PeerStatus, RaftStatus } from "../../../core/raft/status.ts";
import { decodeEntries } from "../../../core/log/decode_entries.ts";
import type { Machinery } from "./machinery.ts";
import type { Recovered } from "./recover.ts";

export interface FollowerStatus extends PeerStatus {
  /** Records that it lacks. */
  readonly lagRecords: number;
  /** Age of the oldest entry that it lacks; 0 when it lacks none. */
  readonly lagMs: number;
}

export interface ReplicaStatus extends Omit<RaftStatus, "peers"> {
  /** Empty unless this node leads. */
  readonly followers: readonly FollowerStatus[];
  /** How long the last sync of the log took. */
  readonly lastSyncMs: number;
  /**
   * How many more voters may fail before writes stop, negative when they have
   * stopped; only a leader knows.
   */
  readonly faultToleranceLeft: number | undefined;
}

/** A follower that was silent for this long does not count as reachable. */
const SILENT_MAX_MS = 1_000;

export function describe(
  { loop, sync }: Machinery,
  { log }: Recovered,
  clock: Clock,
): ReplicaStatus {
  const { peers, ...raft } = loop.raft.status;
  const nowMs = clock.wallMs();
  return {
    ...raft,
    followers: peers.map((peer) => ({
      ...peer,
      ...lagOf(log, { matchIndex: peer.matchIndex, nowMs }),
    })),
    lastSyncMs: sync.lastSyncMs,
    faultToleranceLeft: raft.role === "leader"
      ? toleranceOf(raft, peers)
      : undefined,
  };
}

function lagOf(
  log: Log,
  at: { readonly matchIndex: LogIndex; readonly nowMs: number },
): { lagRecords: number; lagMs: number } {
  if (at.matchIndex >= log.lastIndex) return { lagRecords: 0, lagMs: 0 };
  const from = logIndex(Math.max(at.matchIndex + 1, log.firstIndex));
  const missing = entryAt(log, from);
  if (missing === undefined) {
    // Entries in place of the records that cannot be counted; of unknown age.
    return { lagRecords: log.lastIndex - from + 1, lagMs: 0 };
  }
  return {
    lagRecords: log.nextOffset - missing.baseOffset,
    lagMs: Math.max(0, at.nowMs - missing.appendTimeMs),
  };
}

/** Undefined where it is damaged: who looks at a status must not fail for it. */
function entryAt(log: Log, index: LogIndex): Entry | undefined {
  try {
    const read = log.entriesFrom({ from: index, bytesMax: 1, countMax: 1 });
    const decoded = read === null ? undefined : decodeEntries(read.bytes);
    return decoded?.ok ? decoded.entries[0] : undefined;
  } catch (error) {
    if (!isProglogError(error)) throw error;
    return undefined;
  }
}

function toleranceOf(
  { id, configuration }: Pick<RaftStatus, "id" | "configuration">,
  peers: readonly PeerStatus[],
): number {
  const voters = votersOf(configuration);
  const reachable = voters.filter((voter) =>
    voter === id ||
    peers.some((peer) => peer.id === voter && peer.silentMs < SILENT_MAX_MS)
  );
  const quorum = Math.floor(voters.length / 2) + 1;
  return reachable.length - quorum;
}
