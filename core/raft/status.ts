/**
 * What a node tells operators about itself, and when it wants to be woken.
 */
import type { LogIndex, Term } from "../ids.ts";
import type { Configuration, NodeId } from "./configuration.ts";
import type { Progress } from "./progress.ts";
import type { RoleName } from "./ready.ts";
import type { RaftState } from "./state.ts";

export interface PeerStatus {
  readonly id: NodeId;
  readonly state: Progress["state"];
  readonly matchIndex: LogIndex;
  /** Milliseconds since it was last heard. */
  readonly silentMs: number;
}

export interface RaftStatus {
  readonly id: NodeId;
  readonly role: RoleName;
  readonly term: Term;
  readonly leaderId: NodeId | undefined;
  readonly firstIndex: number;
  readonly lastIndex: LogIndex;
  /** Durable on this node. */
  readonly durableIndex: LogIndex;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly configuration: Configuration;
  readonly configurationIndex: LogIndex;
  /** Who is to take over from this leader, while that is under way. */
  readonly transferTo: NodeId | undefined;
  /** Empty unless this node leads. */
  readonly peers: readonly PeerStatus[];
}

export function statusOf(state: RaftState): RaftStatus {
  const { latest } = state.configurations;
  return {
    id: state.id,
    role: state.role.kind,
    term: state.term,
    leaderId: state.leaderId,
    firstIndex: state.entries.start.index + 1,
    lastIndex: state.entries.lastIndex,
    durableIndex: state.durability.durableIndex,
    commitIndex: state.commitIndex,
    appliedIndex: state.appliedIndex,
    configuration: latest.configuration,
    configurationIndex: latest.index,
    transferTo: state.role.kind === "leader"
      ? state.role.transfer?.to
      : undefined,
    peers: peersOf(state),
  };
}

function peersOf(state: RaftState): PeerStatus[] {
  if (state.role.kind !== "leader") return [];
  return [...state.role.progress].map(([id, progress]) => ({
    id,
    state: progress.state,
    matchIndex: progress.matchIndex,
    silentMs: state.nowMs - progress.heardMs,
  }));
}

/** A tick before this moment changes nothing. */
export function nextDeadlineMs(state: RaftState): number {
  const { role } = state;
  if (role.kind !== "leader") return state.electionDeadlineMs;
  return Math.min(role.heartbeatDueMs, role.transfer?.deadlineMs ?? Infinity);
}
