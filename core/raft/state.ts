/**
 * The state that the roles share, and the few operations that all of them need:
 * sending by the durability rule, and changing role. Decisions are elsewhere:
 * election.ts, follower.ts, candidate.ts, leader.ts and the files they call.
 */
import type { Random } from "../env.ts";
import { type LogIndex, logIndex, type Term } from "../ids.ts";
import type { RaftConfig } from "./config.ts";
import {
  type ConfigurationHistory,
  memberOf,
  type NodeId,
  votersOf,
} from "./configuration.ts";
import type { Durability } from "./durability.ts";
import type { EntryLog } from "./entry_log.ts";
import type { RaftFaults } from "./faults.ts";
import type { LogStart } from "./log_view.ts";
import type { Envelope, Outgoing } from "./messages.ts";
import type { Progress } from "./progress.ts";
import type { RaftEvent, ReadState } from "./ready.ts";
import { ReadQueue } from "./read_queue.ts";
import { UncommittedTail } from "./uncommitted_tail.ts";

export interface FollowerRole {
  readonly kind: "follower";
  /** The start of the log that the leader is sending. */
  incoming: IncomingSnapshot | undefined;
}

export interface IncomingSnapshot {
  readonly from: NodeId;
  readonly start: LogStart;
  readonly stateSizeBytes: number;
  readonly stateChecksum: number;
  readonly chunks: Uint8Array[];
  position: number;
}

export interface CandidateRole {
  readonly kind: "pre_candidate" | "candidate";
  readonly votes: Map<NodeId, "granted" | "refused">;
}

export interface LeaderRole {
  readonly kind: "leader";
  /** The first entry of the own term; reads and changes wait for its commit. */
  readonly termStartIndex: LogIndex;
  readonly progress: Map<NodeId, Progress>;
  readonly reads: ReadQueue;
  readonly uncommitted: UncommittedTail;
  heartbeatDueMs: number;
  /** Once a successor was told to campaign, voters need not wait for the lease. */
  isLeaseBroken: boolean;
  transfer: { readonly to: NodeId; readonly deadlineMs: number } | undefined;
}

export type Role = FollowerRole | CandidateRole | LeaderRole;

export interface Output {
  sendNow: Outgoing[];
  sendAfterPersist: Outgoing[];
  events: RaftEvent[];
  readStates: ReadState[];
}

/**
 * 1. `term` never falls; `votedFor` changes only with it, or from undefined.
 * 2. `commitIndex` is never above the end of the log, and never falls below what
 *    the log has shown to be there.
 * 3. In `leader` every entry at or above `termStartIndex` is of the own term.
 */
export interface RaftState {
  readonly id: NodeId;
  readonly logName: string;
  readonly config: RaftConfig;
  readonly random: Random;
  readonly faults: RaftFaults;
  readonly entries: EntryLog;
  readonly configurations: ConfigurationHistory;
  readonly durability: Durability;
  output: Output;
  nowMs: number;
  term: Term;
  votedFor: NodeId | undefined;
  isHardStateDirty: boolean;
  /** The runtime cannot write: this node must not lead. */
  isWriteBlocked: boolean;
  /** It is about to stop: this node must not begin to lead. */
  isRetired: boolean;
  leaderId: NodeId | undefined;
  /** When a leader was last heard of; votes are refused for a while after it. */
  leaderContactMs: number;
  electionDeadlineMs: number;
  commitIndex: LogIndex;
  /** The commit index in the last Ready. */
  toldCommitIndex: LogIndex;
  appliedIndex: LogIndex;
  role: Role;
  /** Reads that wait until the node has applied what they must see. */
  readonly readsToApply: { context: number; index: LogIndex }[];
}

export function voters(state: RaftState): readonly NodeId[] {
  return votersOf(state.configurations.latest.configuration);
}

export function isVoter(state: RaftState): boolean {
  return memberOf(state.configurations.latest.configuration, state.id)
    ?.role === "voter";
}

export function isOnlyVoter(state: RaftState): boolean {
  return isVoter(state) && voters(state).length === 1;
}

export function emit(state: RaftState, event: RaftEvent): void {
  state.output.events.push(event);
}

export function envelope(state: RaftState, to: NodeId): Envelope {
  return { log: state.logName, from: state.id, to, term: state.term };
}

/** For what promises nothing but the term: at once, if the term is durable. */
export function send(state: RaftState, message: Outgoing): void {
  const isTermDurable = !state.isHardStateDirty &&
    state.durability.isHardStateDurable;
  if (isTermDurable) state.output.sendNow.push(message);
  else state.output.sendAfterPersist.push(message);
}

/** For votes and acknowledgements: what they promise must be durable first. */
export function sendAfterPersist(state: RaftState, message: Outgoing): void {
  state.output.sendAfterPersist.push(message);
}

export function setHardState(
  state: RaftState,
  hard: { term: Term; votedFor: NodeId | undefined },
): void {
  if (state.term === hard.term && state.votedFor === hard.votedFor) return;
  state.term = hard.term;
  state.votedFor = hard.votedFor;
  state.isHardStateDirty = true;
}

export function setLeader(state: RaftState, leaderId: NodeId | undefined) {
  if (state.leaderId === leaderId) return;
  state.leaderId = leaderId;
  emit(state, { kind: "leader_changed", leaderId });
}

/** Draws anew how long this node waits before it campaigns. */
export function resetElectionTimer(state: RaftState): void {
  const { electionTimeoutMs } = state.config;
  state.electionDeadlineMs = state.nowMs + electionTimeoutMs +
    state.random.nextU32() % electionTimeoutMs;
}

export function becomeFollower(
  state: RaftState,
  to: { term: Term; leaderId: NodeId | undefined },
): void {
  const { role } = state;
  if (role.kind === "leader") {
    if (to.term > state.term) {
      emit(state, { kind: "stepped_down", reason: "higher_term" });
    }
    for (const context of role.reads.abandon(state.id)) {
      state.output.readStates.push({
        ok: false,
        context,
        reason: "leader_lost",
      });
    }
  }
  if (to.term > state.term) {
    setHardState(state, { term: to.term, votedFor: undefined });
  }
  if (role.kind !== "follower") {
    changeRole(state, { kind: "follower", incoming: undefined });
    resetElectionTimer(state);
  }
  setLeader(state, to.leaderId);
}

export function becomeCandidate(
  state: RaftState,
  kind: CandidateRole["kind"],
): CandidateRole {
  const role: CandidateRole = { kind, votes: new Map() };
  changeRole(state, role);
  setLeader(state, undefined);
  resetElectionTimer(state);
  return role;
}

export function becomeLeader(state: RaftState): LeaderRole {
  const role: LeaderRole = {
    kind: "leader",
    termStartIndex: logIndex(state.entries.lastIndex + 1),
    progress: new Map(),
    reads: new ReadQueue(),
    uncommitted: new UncommittedTail(),
    heartbeatDueMs: state.nowMs,
    isLeaseBroken: false,
    transfer: undefined,
  };
  changeRole(state, role);
  setLeader(state, state.id);
  return role;
}

function changeRole(state: RaftState, role: Role): void {
  const previous = state.role;
  state.role = role;
  if (previous.kind === role.kind && role.kind === "follower") return;
  emit(state, { kind: "role_changed", role: role.kind, term: state.term });
}
