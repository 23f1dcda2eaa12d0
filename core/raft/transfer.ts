/**
 * Handing leadership to a chosen voter (Raft dissertation, section 3.10): stop
 * taking proposals, wait until it has the whole log, tell it to campaign. Given
 * up after one election timeout.
 */
import { memberOf, type NodeId } from "./configuration.ts";
import {
  emit,
  envelope,
  type LeaderRole,
  type RaftState,
  send,
} from "./state.ts";

export type TransferResult =
  | { readonly ok: true }
  | {
    readonly ok: false;
    readonly reason:
      | "not_leader"
      | "not_a_voter"
      | "already_leader"
      | "transferring";
  };

export function startTransfer(
  state: RaftState,
  role: LeaderRole,
  to: NodeId,
): TransferResult {
  if (to === state.id) return { ok: false, reason: "already_leader" };
  if (role.transfer !== undefined) return { ok: false, reason: "transferring" };
  const member = memberOf(state.configurations.latest.configuration, to);
  if (member?.role !== "voter") return { ok: false, reason: "not_a_voter" };
  const deadlineMs = state.nowMs + state.config.electionTimeoutMs;
  role.transfer = { to, deadlineMs };
  continueTransfer(state, role);
  return { ok: true };
}

/** Tells the successor to campaign once it has everything. */
export function continueTransfer(state: RaftState, role: LeaderRole): void {
  if (role.transfer === undefined) return;
  const { to } = role.transfer;
  const matchIndex = role.progress.get(to)?.matchIndex;
  if (matchIndex !== state.entries.lastIndex) return;
  role.isLeaseBroken = true;
  send(state, { ...envelope(state, to), kind: "timeout_now" });
}

export function expireTransfer(state: RaftState, role: LeaderRole): void {
  if (role.transfer === undefined) return;
  if (state.nowMs < role.transfer.deadlineMs) return;
  emit(state, { kind: "transfer_failed", to: role.transfer.to });
  role.transfer = undefined;
}
