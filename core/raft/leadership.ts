/**
 * How a node begins and ends to lead, and how entries of its own come into the
 * log. Used by the election, the leader's handlers and membership changes.
 */
import { type LogIndex, logIndex } from "../ids.ts";
import type { Configuration } from "./configuration.ts";
import { sizeOf } from "./entry_log.ts";
import { Progress } from "./progress.ts";
import type { PersistEntry, Proposal, RaftEvent } from "./ready.ts";
import {
  becomeFollower,
  becomeLeader,
  emit,
  envelope,
  type LeaderRole,
  type RaftState,
  send,
  voters,
} from "./state.ts";

/** The new term's first entry makes all entries before it committable. */
export function startLeading(state: RaftState): void {
  const role = becomeLeader(state);
  followMembers(state, role);
  appendOwn(state, role, { kind: "noop" });
}

export type OwnEntry =
  | { readonly kind: "data"; readonly proposal: Proposal }
  | { readonly kind: "noop" }
  | { readonly kind: "configuration"; readonly configuration: Configuration };

/** Appends an entry of the own term; it goes out with the next `ready()`. */
export function appendOwn(
  state: RaftState,
  role: LeaderRole,
  own: OwnEntry,
): LogIndex {
  const index = logIndex(state.entries.lastIndex + 1);
  const entry: PersistEntry = { ...own, index, term: state.term };
  state.entries.append(entry);
  role.uncommitted.added({ index, sizeBytes: sizeOf(entry) });
  if (own.kind === "configuration") {
    adoptConfiguration(state, { index, configuration: own.configuration });
    followMembers(state, role);
  }
  return index;
}

/** A configuration is effective as soon as it is in the log. */
export function adoptConfiguration(
  state: RaftState,
  entry: { index: LogIndex; configuration: Configuration },
): void {
  state.configurations.append(entry);
  emit(state, { kind: "configuration_changed", ...entry });
}

/** Truncating the log brings back the configuration before the dropped one. */
export function rollBackConfiguration(state: RaftState, from: LogIndex): void {
  if (!state.configurations.truncateFrom(from)) return;
  const { index, configuration } = state.configurations.latest;
  emit(state, { kind: "configuration_changed", index, configuration });
}

/**
 * Keeps one Progress per member. One that was removed is fed until it knows
 * that its removal is committed, or for two election timeouts.
 */
export function followMembers(state: RaftState, role: LeaderRole): void {
  const { configuration, index } = state.configurations.latest;
  const ids = new Set(configuration.members.map((member) => member.id));
  const nextIndex = logIndex(state.entries.lastIndex + 1);
  for (const id of ids) {
    if (id === state.id) continue;
    const known = role.progress.get(id);
    if (known !== undefined && known.leaving === undefined) continue;
    const progress = new Progress({ nextIndex, nowMs: state.nowMs });
    role.progress.set(id, progress);
  }
  const deadlineMs = state.nowMs + 2 * state.config.electionTimeoutMs;
  for (const [id, progress] of role.progress) {
    if (!ids.has(id)) progress.leaving ??= { index, deadlineMs };
  }
}

type StepDownReason = Extract<RaftEvent, { kind: "stepped_down" }>["reason"];

export function stepDown(state: RaftState, reason: StepDownReason): void {
  emit(state, { kind: "stepped_down", reason });
  becomeFollower(state, { term: state.term, leaderId: undefined });
}

/** Steps down, and spares the cluster the wait: the best voter may campaign. */
export function handOver(
  state: RaftState,
  role: LeaderRole,
  reason: StepDownReason,
): void {
  const successor = voters(state)
    .filter((id) => role.progress.get(id)?.state === "replicate")
    .toSorted((left, right) => matchOf(role, right) - matchOf(role, left))[0];
  if (successor !== undefined) {
    send(state, { ...envelope(state, successor), kind: "timeout_now" });
  }
  stepDown(state, reason);
}

function matchOf(role: LeaderRole, id: string): number {
  return role.progress.get(id)?.matchIndex ?? 0;
}
