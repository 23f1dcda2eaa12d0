/**
 * How many voters there are, how many are heard, and how many may still fail.
 * Pure; only the leader knows who is heard.
 */
import {
  type Configuration,
  type Member,
  type NodeId,
} from "../raft/configuration.ts";
import type { RaftStatus } from "../raft/status.ts";

export type LeaderView = Pick<
  RaftStatus,
  "id" | "configuration" | "configurationIndex" | "commitIndex" | "peers"
>;

export interface VoterSet {
  readonly voters: readonly Member[];
  /** How many must agree. */
  readonly quorum: number;
  /** Voters that are heard now. */
  readonly reachable: number;
  /** How many of these may fail before writes stop; negative when they have. */
  readonly faultToleranceLeft: number;
}

export function voterSet(
  configuration: Configuration,
  isReachable: (id: NodeId) => boolean,
): VoterSet {
  const voters = configuration.members.filter(({ role }) => role === "voter");
  const quorum = Math.floor(voters.length / 2) + 1;
  const reachable = voters.filter(({ id }) => isReachable(id)).length;
  const faultToleranceLeft = reachable - quorum;
  return { voters, quorum, reachable, faultToleranceLeft };
}

/** Whether the leader has heard a member within the last `silentMaxMs`. */
export function reachability(
  leader: Pick<LeaderView, "id" | "peers">,
  silentMaxMs: number,
): (id: NodeId) => boolean {
  const heard = new Set([leader.id]);
  for (const peer of leader.peers) {
    if (peer.silentMs <= silentMaxMs) heard.add(peer.id);
  }
  return (id) => heard.has(id);
}

export function hasQuorum(voters: VoterSet): boolean {
  return voters.faultToleranceLeft >= 0;
}
