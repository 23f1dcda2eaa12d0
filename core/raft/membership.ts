/**
 * Changing who belongs to the cluster, one member at a time (Raft dissertation,
 * chapter 4). A change waits until the one before it is committed, and until the
 * leader has committed an entry of its own term: without that, two majorities
 * that share no voter are possible.
 */
import type { LogIndex } from "../ids.ts";
import { isTermCommitted } from "./commit.ts";
import {
  applyChange,
  type ChangeResult,
  type ConfigurationChange,
  memberOf,
} from "./configuration.ts";
import { appendOwn } from "./leadership.ts";
import type { LeaderRole, RaftState } from "./state.ts";

export type ChangeRefusal =
  | Extract<ChangeResult, { ok: false }>["reason"]
  | "not_leader"
  | "change_pending"
  | "term_not_committed"
  | "not_caught_up"
  | "transferring";

export type ProposeChangeResult =
  | { readonly ok: true; readonly index: LogIndex }
  | { readonly ok: false; readonly reason: ChangeRefusal };

export function proposeChange(
  state: RaftState,
  role: LeaderRole,
  change: ConfigurationChange,
): ProposeChangeResult {
  const refusal = mayChange(state, role);
  if (refusal !== undefined) return { ok: false, reason: refusal };
  const next = applyChange(state.configurations.latest.configuration, change);
  if (!next.ok) return next;
  if (change.kind === "promote" && !isCaughtUp(state, role, change.id)) {
    return { ok: false, reason: "not_caught_up" };
  }
  const { configuration } = next;
  const index = appendOwn(state, role, {
    kind: "configuration",
    configuration,
  });
  return { ok: true, index };
}

/** Makes a learner that has the log a voter, when no other change is under way. */
export function promoteLearner(state: RaftState, role: LeaderRole): void {
  const learner = state.configurations.latest.configuration.members.find(
    (member) => member.role === "learner" && isCaughtUp(state, role, member.id),
  );
  if (learner === undefined || mayChange(state, role) !== undefined) return;
  proposeChange(state, role, { kind: "promote", id: learner.id });
}

function mayChange(
  state: RaftState,
  role: LeaderRole,
): ChangeRefusal | undefined {
  if (state.faults.has("two_changes_at_once")) return undefined;
  if (role.transfer !== undefined) return "transferring";
  if (!isTermCommitted(state, role)) return "term_not_committed";
  const { latest } = state.configurations;
  return latest.index > state.commitIndex ? "change_pending" : undefined;
}

/** Close to the end of the log, fed without pause, and alive. */
function isCaughtUp(state: RaftState, role: LeaderRole, id: string): boolean {
  const member = memberOf(state.configurations.latest.configuration, id);
  const progress = role.progress.get(id);
  if (member === undefined || progress === undefined) return false;
  const lag = state.entries.lastIndex - progress.matchIndex;
  const silentMs = state.nowMs - progress.heardMs;
  return progress.state === "replicate" && progress.matchIndex > 0 &&
    lag <= state.config.promoteLagEntriesMax &&
    silentMs < state.config.electionTimeoutMs;
}
