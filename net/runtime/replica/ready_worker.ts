/**
 * Works off what Raft decides, in the order that core/raft/ready.ts asks for:
 * write, send, apply, tell. Knows from it who leads. The loop decides when.
 */
import { isProglogError, type ProglogError } from "../../../core/errors.ts";
import type { LogIndex, Term } from "../../../core/ids.ts";
import { RAFT_CONFIG_DEFAULT } from "../../../core/raft/config.ts";
import type { NodeId } from "../../../core/raft/configuration.ts";
import type { Raft } from "../../../core/raft/raft.ts";
import type {
  Persist,
  PersistEntry,
  RaftEvent,
  Ready,
  RoleName,
} from "../../../core/raft/ready.ts";
import type { Applier } from "./applier.ts";
import type { EntryWaiters } from "./entry_waiters.ts";
import { notLeader } from "./errors.ts";
import type { BatchProposal, LogWriter } from "./log_writer.ts";
import type { Outbox } from "./outbox.ts";
import type { ProposalQueue } from "./proposal_queue.ts";
import type { ReadBarriers } from "./read_barriers.ts";
import type { ReplicaResetter } from "./resetter.ts";
import type { SyncGroup } from "./sync_group.ts";
import type { ReplicaOptions } from "./types.ts";
import type { WriteBlock } from "./write_block.ts";

export type ReplicaRaft = Raft<BatchProposal>;

export interface ReadyWorkerParts {
  readonly options: ReplicaOptions;
  readonly term: Term;
  readonly applier: Applier;
  readonly waiters: EntryWaiters;
  readonly queue: ProposalQueue;
  readonly barriers: ReadBarriers;
  readonly writer: LogWriter;
  readonly resetter: ReplicaResetter;
  readonly sync: SyncGroup;
  readonly outbox: Outbox;
  readonly block: WriteBlock;
  readonly lastIndex: () => LogIndex;
  readonly onReadable: () => void;
}

export class ReadyWorker {
  readonly #parts: ReadyWorkerParts;
  #role: RoleName = "follower";
  #leaderId: NodeId | undefined;
  #term: Term;
  #cancelUndecided: (() => void) | undefined;

  constructor(parts: ReadyWorkerParts) {
    this.#parts = parts;
    this.#term = parts.term;
  }

  get role(): RoleName {
    return this.#role;
  }

  get leaderId(): NodeId | undefined {
    return this.#leaderId;
  }

  get term(): Term {
    return this.#term;
  }

  /** Raft begins again in this term. */
  startIn(term: Term): void {
    this.#term = term;
  }

  stop(): void {
    this.#cancelUndecided?.();
  }

  /** A promise where it takes time; Raft must not be called until then. */
  workOff(
    raft: ReplicaRaft,
    ready: Ready<BatchProposal>,
  ): Promise<void> | undefined {
    const { persist } = ready;
    if (persist?.reset === undefined && persist?.truncateFrom === undefined) {
      return this.#finish(raft, ready);
    }
    return this.#change(persist).then(() => this.#finish(raft, ready));
  }

  /** Nothing that waits to be proposed will be. */
  refuseQueue(): void {
    const { queue, block } = this.#parts;
    queue.refuseAll(block.reason ?? notLeader(this.#leaderId));
  }

  async #change(persist: Persist<BatchProposal>): Promise<void> {
    const { writer, resetter, waiters, onReadable } = this.#parts;
    const { reset, truncateFrom } = persist;
    if (reset !== undefined) {
      await resetter.reset(reset);
      waiters.giveUpTo(reset.start.index, "the log was reset");
      onReadable();
    }
    if (truncateFrom !== undefined) await writer.truncateFrom(truncateFrom);
  }

  #finish(raft: ReplicaRaft, ready: Ready<BatchProposal>): undefined {
    const isWritten = this.#write(raft, ready);
    if (isWritten) this.#send(ready);
    for (const event of ready.events) this.#handle(event);
    // What could not be written is not applied either; it is told again.
    if (isWritten) this.#apply(raft, ready.committedIndex);
    const { barriers } = this.#parts;
    for (const state of ready.readStates) barriers.answered(state);
  }

  #send({ sendNow, sendAfterPersist }: Ready<BatchProposal>): void {
    const { outbox, sync } = this.#parts;
    outbox.sendAll(sendNow);
    if (sync.durableNumber >= sync.writtenNumber) {
      outbox.sendAll(sendAfterPersist);
    } else outbox.hold(sync.writtenNumber, sendAfterPersist);
  }

  /** False when the disk is full. */
  #write(
    raft: ReplicaRaft,
    { number, persist }: Ready<BatchProposal>,
  ): boolean {
    if (persist === undefined) return true;
    const { hardState, entries } = persist;
    if (hardState !== undefined) this.#term = hardState.term;
    this.#parts.sync.wrote(number, hardState);
    const failure = this.#append(entries);
    if (failure === undefined) {
      if (entries.length > 0) this.#unblock(raft);
      return true;
    }
    const { block, options } = this.#parts;
    block.begin(failure);
    raft.writeFailed(options.clock.monotonicMs());
    this.#refuseUnwritten(failure);
    return false;
  }

  /** Why not all of the entries are in the log; any other failure is thrown. */
  #append(
    entries: readonly PersistEntry<BatchProposal>[],
  ): ProglogError | undefined {
    const { writer, queue, lastIndex } = this.#parts;
    try {
      writer.append(entries);
      return undefined;
    } catch (error) {
      if (isProglogError(error, "disk_full")) return error;
      throw error;
    } finally {
      for (const entry of entries) {
        if (entry.kind !== "data" || entry.index > lastIndex()) continue;
        queue.written(entry.proposal.batch);
      }
    }
  }

  #refuseUnwritten(reason: ProglogError): void {
    const { waiters, queue, lastIndex } = this.#parts;
    const end = { index: lastIndex(), term: this.#term };
    waiters.refuseAbove(end, reason);
    queue.refuseAll(reason);
  }

  #unblock(raft: ReplicaRaft): void {
    const { block } = this.#parts;
    if (block.reason === undefined) return;
    block.end();
    raft.writeRecovered();
  }

  #handle(event: RaftEvent): void {
    if (event.kind === "leader_changed") this.#leaderId = event.leaderId;
    if (event.kind === "role_changed") {
      const wasLeader = this.#role === "leader";
      this.#role = event.role;
      if (wasLeader && event.role !== "leader") this.#leadershipLost();
    }
    this.#parts.options.watcher.event(event);
  }

  /** What is in the log may yet be committed: waits a while to learn it. */
  #leadershipLost(): void {
    const { options, waiters } = this.#parts;
    this.refuseQueue();
    this.#cancelUndecided?.();
    const { electionTimeoutMs } = { ...RAFT_CONFIG_DEFAULT, ...options.raft };
    const waitMs = 2 * electionTimeoutMs;
    this.#cancelUndecided = options.scheduler.after(waitMs, () => {
      if (this.#role !== "leader") waiters.giveUp("its leader was replaced");
    });
  }

  #apply(raft: ReplicaRaft, committedIndex: LogIndex): void {
    const { applier, waiters, onReadable } = this.#parts;
    if (applier.commitTo(committedIndex, waiters)) onReadable();
    raft.applied(committedIndex);
  }
}
