/**
 * The state with which a node starts: new, or from what it had made durable.
 */
import type { Random } from "../env.ts";
import { type LogIndex, logIndex, term } from "../ids.ts";
import { RAFT_CONFIG_DEFAULT, type RaftConfig } from "./config.ts";
import {
  type ConfigurationEntry,
  ConfigurationHistory,
  type NodeId,
} from "./configuration.ts";
import { Durability } from "./durability.ts";
import { EntryLog } from "./entry_log.ts";
import { FOUNDING_TERM } from "./founding.ts";
import { NO_FAULTS, type RaftFaults } from "./faults.ts";
import type { LogView } from "./log_view.ts";
import { makeOutput } from "./outbox.ts";
import type { HardState } from "./ready.ts";
import { isOnlyVoter, type RaftState, resetElectionTimer } from "./state.ts";

export interface RaftOptions {
  readonly id: NodeId;
  /** Name of the log that this group replicates. */
  readonly logName: string;
  readonly log: LogView;
  readonly random: Random;
  readonly nowMs: number;
  /** As it was last made durable; undefined on a new node. */
  readonly hardState?: HardState;
  /** Known to be committed, and applied; at least the start of the log. */
  readonly appliedIndex?: LogIndex;
  /** That of the start of the log, then every one that is in the log. */
  readonly configurations: readonly ConfigurationEntry[];
  readonly config?: Partial<RaftConfig>;
  /** Only tests pass any. */
  readonly faults?: RaftFaults;
}

export function initialState(options: RaftOptions): RaftState {
  const entries = new EntryLog(options.log);
  const { term: currentTerm, votedFor } = options.hardState ??
    { term: term(0), votedFor: undefined };
  const committed = Math.max(options.appliedIndex ?? 0, entries.start.index);
  const commitIndex = logIndex(Math.min(committed, entries.lastIndex));
  const state: RaftState = {
    id: options.id,
    logName: options.logName,
    config: { ...RAFT_CONFIG_DEFAULT, ...options.config },
    random: options.random,
    faults: options.faults ?? NO_FAULTS,
    entries,
    configurations: new ConfigurationHistory(options.configurations),
    durability: new Durability(entries.lastIndex),
    output: makeOutput(),
    nowMs: options.nowMs,
    term: currentTerm,
    votedFor,
    isHardStateDirty: false,
    isWriteBlocked: false,
    isRetired: false,
    leaderId: undefined,
    // It may have promised a leader its lease just before it stopped.
    leaderContactMs: currentTerm > FOUNDING_TERM ? options.nowMs : -Infinity,
    electionDeadlineMs: Infinity,
    commitIndex,
    toldCommitIndex: logIndex(0),
    appliedIndex: commitIndex,
    role: { kind: "follower", incoming: undefined },
    readsToApply: [],
  };
  resetElectionTimer(state);
  // Nobody else could lead: do not wait for them.
  if (isOnlyVoter(state)) state.electionDeadlineMs = state.nowMs;
  return state;
}
