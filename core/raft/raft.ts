/**
 * Raft for one log, as a synchronous state machine: inputs are time, messages,
 * proposals and completions; the output is a `Ready` (ready.ts), taken by the
 * runtime after each batch of inputs. No clock, disk, network or chance of its
 * own. This file only checks inputs and passes them to the role.
 *
 * After any input the caller takes `ready()` until it is undefined.
 */
import { type LogIndex, logIndex, type Term } from "../ids.ts";
import {
  stepCandidate,
  stepPreVoteGranted,
  tickCandidate,
} from "./candidate.ts";
import type {
  Configuration,
  ConfigurationChange,
  NodeId,
} from "./configuration.ts";
import { answerPreVote, answerVote, countOwnVote, retire } from "./election.ts";
import { stepFollower, tickFollower } from "./follower.ts";
import { initialState, type RaftOptions } from "./initial_state.ts";
import { advanceCommit, stepLeader, tickLeader } from "./leader.ts";
import { appendOwn, rollBackConfiguration, stepDown } from "./leadership.ts";
import { proposeChange, type ProposeChangeResult } from "./membership.ts";
import { isFromLeader, type Message } from "./messages.ts";
import { takeReady } from "./outbox.ts";
import { addRead, type ReadMode, releaseReads } from "./read_index.ts";
import type { Proposal, Ready } from "./ready.ts";
import {
  becomeFollower,
  emit,
  envelope,
  type LeaderRole,
  type RaftState,
  send,
} from "./state.ts";
import { nextDeadlineMs, type RaftStatus, statusOf } from "./status.ts";
import { startTransfer, type TransferResult } from "./transfer.ts";

export type { RaftOptions };

export type ProposeResult =
  | { readonly ok: true; readonly index: LogIndex; readonly term: Term }
  | {
    readonly ok: false;
    readonly reason: "not_leader" | "transferring" | "overloaded";
  };

export type ReadResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: "no_leader" | "overloaded" };

export class Raft<P extends Proposal = Proposal> {
  readonly #state: RaftState;
  #readyNumber = 0;

  private constructor(state: RaftState) {
    this.#state = state;
  }

  static create<P extends Proposal = Proposal>(options: RaftOptions): Raft<P> {
    return new Raft<P>(initialState(options));
  }

  /** Moves time; call it at `nextDeadlineMs` at the latest. */
  tick(nowMs: number): void {
    const state = this.#at(nowMs);
    switch (state.role.kind) {
      case "follower":
        return tickFollower(state);
      case "leader":
        return tickLeader(state, state.role);
      default:
        return tickCandidate(state);
    }
  }

  /** Takes a message that the transport has authenticated as from `from`. */
  step(message: Message, nowMs: number): void {
    const state = this.#at(nowMs);
    if (!isForUs(state, message)) return;
    if (message.kind === "pre_vote_request") {
      return answerPreVote(state, message);
    }
    if (message.kind === "vote_request") return answerVote(state, message);
    if (message.kind === "pre_vote_response" && message.vote === "granted") {
      return stepPreVoteGranted(state, message);
    }
    if (message.term < state.term) return answerStale(state, message);
    if (message.term > state.term) adoptTerm(state, message);
    const { role } = state;
    if (role.kind === "follower") stepFollower(state, role, message);
    else if (role.kind === "leader") stepLeader(state, role, message);
    else stepCandidate(state, role, message);
  }

  /** Appends an entry; it is committed when `committedIndex` reaches its index in its term. */
  propose(proposal: P): ProposeResult {
    const state = this.#state;
    const { role, isWriteBlocked } = state;
    if (role.kind !== "leader" || isWriteBlocked) {
      return { ok: false, reason: "not_leader" };
    }
    if (role.transfer) return { ok: false, reason: "transferring" };
    const sizeBytes = role.uncommitted.sizeBytes + proposal.sizeBytes;
    const isFull = sizeBytes > state.config.uncommittedBytesMax;
    if (isFull && role.uncommitted.sizeBytes > 0) {
      return { ok: false, reason: "overloaded" };
    }
    const index = appendOwn(state, role, { kind: "data", proposal });
    return { ok: true, index, term: state.term };
  }

  proposeConfigurationChange(change: ConfigurationChange): ProposeChangeResult {
    const { role, isWriteBlocked } = this.#state;
    if (role.kind !== "leader" || isWriteBlocked) {
      return { ok: false, reason: "not_leader" };
    }
    return proposeChange(this.#state, role, change);
  }

  /**
   * Asks for an index at which a read sees all that was acknowledged before; the
   * answer comes in `readStates` under `context`, or never: a follower's question
   * may get lost. Contexts must not repeat, not even after a restart.
   */
  readIndex(read: { context: number; mode: ReadMode }): ReadResult {
    const state = this.#state;
    const { role, leaderId } = state;
    if (role.kind === "leader") {
      const isTaken = addRead(state, role, { ...read, from: state.id });
      return isTaken ? { ok: true } : { ok: false, reason: "overloaded" };
    }
    if (leaderId === undefined) return { ok: false, reason: "no_leader" };
    const { context } = read;
    send(state, {
      ...envelope(state, leaderId),
      kind: "read_request",
      context,
    });
    return { ok: true };
  }

  transferLeadership(to: NodeId): TransferResult {
    const { role } = this.#state;
    if (role.kind !== "leader") return { ok: false, reason: "not_leader" };
    return startTransfer(this.#state, role, to);
  }

  /**
   * This node is about to stop: from now on it does not campaign, also when it is
   * told to. It votes and follows; one that leads goes on until it is replaced.
   */
  retire(): void {
    retire(this.#state);
  }

  /** All writes ordered by the Readies up to `number` are durable. */
  persisted(number: number, nowMs: number): void {
    const state = this.#at(nowMs);
    state.durability.persisted(number);
    countOwnVote(state);
    if (state.role.kind !== "leader") return;
    advanceCommit(state, state.role);
    if (state.isWriteBlocked) leadNoMore(state, state.role);
  }

  /**
   * Entries of the Ready just taken could not be appended; its hard state,
   * truncation and reset were written (if those fail, the node must stop). None
   * of its messages is sent and nothing of it applied. The log view shows what is
   * there. Until `writeRecovered` this node does not campaign.
   */
  writeFailed(nowMs: number): void {
    const state = this.#at(nowMs);
    state.entries.writeFailed();
    const { lastIndex } = state.entries;
    const after = logIndex(lastIndex + 1);
    state.isWriteBlocked = true;
    state.durability.truncatedFrom(after);
    rollBackConfiguration(state, after);
    // What it was just told to be committed it does not have, and did not apply.
    if (state.commitIndex > lastIndex) state.commitIndex = lastIndex;
    state.toldCommitIndex = state.commitIndex;
    if (state.role.kind === "leader") leadNoMore(state, state.role);
  }

  /** There is room on the disk again. */
  writeRecovered(): void {
    const state = this.#state;
    // Of an entry that was dropped, index and term must not come again.
    if (state.isWriteBlocked && state.role.kind === "leader") {
      stepDown(state, "write_failed");
    }
    state.isWriteBlocked = false;
  }

  /** Entries up to `index` are applied; reads that waited for them are answered. */
  applied(index: LogIndex): void {
    const state = this.#state;
    if (index > state.appliedIndex) state.appliedIndex = index;
    releaseReads(state);
  }

  /** The link to a peer broke: what was under way to it is taken as lost. */
  unreachable(id: NodeId): void {
    const { role } = this.#state;
    if (role.kind !== "leader") return;
    const progress = role.progress.get(id);
    if (progress?.state === "replicate") progress.becomeProbe();
  }

  /** The work that is due, or undefined when there is none. */
  ready(): Ready<P> | undefined {
    const ready = takeReady(this.#state, this.#readyNumber + 1);
    if (ready === undefined) return undefined;
    this.#readyNumber = ready.number;
    // Raft passes proposals through: those in it are those given to propose().
    return ready as Ready<P>;
  }

  /** When `tick` has something to do next. */
  get nextDeadlineMs(): number {
    return nextDeadlineMs(this.#state);
  }

  get status(): RaftStatus {
    return statusOf(this.#state);
  }

  get configuration(): Configuration {
    return this.#state.configurations.latest.configuration;
  }

  #at(nowMs: number): RaftState {
    if (nowMs > this.#state.nowMs) this.#state.nowMs = nowMs;
    return this.#state;
  }
}

/**
 * Somebody else may have room. A leader that feeds nobody first commits what it
 * has, as nobody else can.
 */
function leadNoMore(state: RaftState, role: LeaderRole): void {
  const { entries, durability } = state;
  const isDone = durability.durableIndex >= entries.lastIndex;
  if (isDone || role.progress.size > 0) stepDown(state, "write_failed");
}

function isForUs(state: RaftState, message: Message): boolean {
  const { from } = message;
  if (message.log !== state.logName) {
    emit(state, { kind: "message_ignored", from, reason: "other_log" });
    return false;
  }
  if (message.to !== state.id) {
    emit(state, { kind: "message_ignored", from, reason: "other_node" });
    return false;
  }
  return true;
}

/** A deposed leader learns of the newer term; other old messages are dropped. */
function answerStale(state: RaftState, message: Message): void {
  if (!isFromLeader(message)) return;
  send(state, {
    ...envelope(state, message.from),
    kind: "heartbeat_response",
    round: 0,
  });
}

function adoptTerm(state: RaftState, message: Message): void {
  const leaderId = isFromLeader(message) ? message.from : undefined;
  becomeFollower(state, { term: message.term, leaderId });
}
