/**
 * One log's Raft group on one node: the log engine, Raft, the replicated state
 * and the loops around them, opened and stopped together. What the rpc handlers
 * serve. A single node is a group of one.
 */
import type { Accepted, Proposal } from "../../../core/cluster/proposal.ts";
import { isProglogError, type ProglogError } from "../../../core/errors.ts";
import type { Offset } from "../../../core/ids.ts";
import type { Log } from "../../../core/log/log.ts";
import type { RecoveryReport } from "../../../core/log/recovery.ts";
import {
  type ConfigurationChange,
  type NodeId,
  votersOf,
} from "../../../core/raft/configuration.ts";
import type { Message } from "../../../core/raft/messages.ts";
import { failed, notLeader, stopping } from "./errors.ts";
import { bootstrap } from "./bootstrap.ts";
import { proposeChange } from "./change_membership.ts";
import { assemble, type Machinery } from "./machinery.ts";
import type { ReadRequest } from "./reader.ts";
import type { ReplicaRaft } from "./ready_worker.ts";
import { recover, type Recovered } from "./recover.ts";
import { describe, type ReplicaStatus } from "./status.ts";
import type {
  BootstrapResult,
  ChangeOutcome,
  Founder,
  HandOverOutcome,
  ReplicaOptions,
  TransferOutcome,
} from "./types.ts";

/** How fresh a read is to be; "local" needs no barrier. */
export type FreshRead = "leader" | "linearizable";

/** How long a stopping leader waits for its last entries to be committed. */
const DRAIN_MAX_MS = 1_000;

export class Replica {
  readonly nodeId: NodeId;
  readonly recovery: RecoveryReport;
  readonly #options: ReplicaOptions;
  readonly #recovered: Recovered;
  readonly #machinery: Machinery;
  /** Why everything is refused: it has failed, or stops. */
  #failure: ProglogError | undefined;
  /** What broke while it stopped. */
  #lastCause: Error | undefined;
  #stopping: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #settling: (() => void)[] = [];
  /** What must be committed: all that was there when this node came to lead. */
  #settledAt: number | undefined;

  /**
   * Opens or creates the replica in its directory. One that is the only voter
   * leads when this resolves; another is as far as it knows. Throws `corrupt`,
   * `locked`, `invalid_argument`, `disk_full`, `disk_failed`.
   */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const replica = new Replica(options, await recover(options));
    try {
      await replica.#whenSettled();
      return replica;
    } catch (error) {
      await replica.stop().catch(() => undefined);
      throw error;
    }
  }

  private constructor(options: ReplicaOptions, recovered: Recovered) {
    this.nodeId = recovered.nodeId;
    this.recovery = recovered.report;
    this.#options = options;
    this.#recovered = recovered;
    this.#machinery = assemble(options, recovered, {
      onTurn: () => this.#onTurn(),
      onFailure: (cause) => this.#fail(cause),
    });
    this.#machinery.loop.wake();
    this.#machinery.retention.start();
  }

  get #log(): Log {
    return this.#recovered.log;
  }

  get lowestOffset(): Offset {
    return this.#machinery.reader.lowestOffset;
  }

  /** The offset after the last committed record. */
  get nextOffset(): Offset {
    return this.#machinery.reader.nextOffset;
  }

  /** For `status`. */
  get facts() {
    const { block } = this.#machinery;
    return {
      lowestOffset: this.lowestOffset,
      nextOffset: this.nextOffset,
      lastIndex: this.#log.lastIndex,
      lastTerm: this.#log.lastTerm,
      segmentCount: this.#log.segmentFacts().length,
      sizeBytes: this.#log.sizeBytes,
      appendBlocked: (this.#failure ?? block.reason)?.message ?? "",
    };
  }

  get isLeader(): boolean {
    return this.#machinery.loop.role === "leader";
  }

  get leaderId(): NodeId | undefined {
    return this.#machinery.loop.leaderId;
  }

  status(): ReplicaStatus {
    return describe(this.#machinery, this.#recovered, this.#options.clock);
  }

  /**
   * Appends records; resolves when they are committed. Rejects with
   * `unavailable` where nobody knows what became of them; after any other code
   * (`not_leader` with `details.leader`, `overloaded`, `too_large`,
   * `out_of_order`, `already_exists`, `disk_full`) they are not and will not be
   * appended by this call. A repeat under the same producer and sequence is safe.
   */
  propose(proposal: Proposal): Promise<Accepted> {
    const { queue, loop, block } = this.#machinery;
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const refusal = block.reason ?? queue.refusal(proposal);
    if (refusal !== undefined) return Promise.reject(refusal);
    if (!this.isLeader) return Promise.reject(notLeader(this.leaderId));
    if (queue.isOutOfOrder(proposal)) return this.#proposeWhenSure(proposal);
    const answer = queue.add(proposal);
    loop.wake();
    return answer;
  }

  /** A leader that was replaced unawares would refuse for good what is right. */
  async #proposeWhenSure(proposal: Proposal): Promise<Accepted> {
    const { queue, loop, barriers } = this.#machinery;
    await barriers.wait("quorum").catch(() => {
      throw this.#failure ?? notLeader(undefined);
    });
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.isLeader) throw notLeader(this.leaderId);
    const answer = queue.add(proposal);
    loop.wake();
    return await answer;
  }

  /** Undefined at the end of what is committed, and before the start. */
  read(request: ReadRequest) {
    return this.#machinery.reader.read(request);
  }

  offsetAtTime(timeMs: number): Offset {
    return this.#machinery.reader.offsetAtTime(timeMs);
  }

  /**
   * Resolves as soon as `from` can be read, or when `signal` aborts; rejects with
   * `unavailable` when the replica ends.
   */
  whenReadable(from: Offset, signal: AbortSignal): Promise<void> {
    return this.#machinery.reader.whenReadable(from, signal);
  }

  /**
   * Resolves when reads here see all that was acknowledged before the call.
   * "leader" trusts the leader's lease and rejects with `not_leader` elsewhere;
   * "linearizable" asks a majority, through the leader. Rejects with
   * `unavailable` when nobody answers for 5 s, `cancelled` when `signal` aborts.
   */
  readBarrier(freshness: FreshRead, signal?: AbortSignal): Promise<void> {
    const { barriers } = this.#machinery;
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    // Nobody else could have acknowledged anything: what is committed is all.
    if (this.#isBlockedAlone()) return Promise.resolve();
    if (freshness === "linearizable") return barriers.wait("quorum", signal);
    if (this.isLeader) return barriers.wait("lease", signal);
    return Promise.reject(notLeader(this.leaderId));
  }

  /**
   * The only voter cannot lead as its disk is full, and knows of all that is in
   * its log that it is committed: not so after a power loss.
   */
  #isBlockedAlone(): boolean {
    const { block } = this.#machinery;
    if (block.reason === undefined) return false;
    if (this.#recovered.applier.applied.index < this.#log.lastIndex) {
      return false;
    }
    return this.#isOnlyVoter;
  }

  /** A message of another replica, authenticated as from `message.from`. */
  receive(message: Message): void {
    this.#machinery.loop.receive(message);
  }

  /** The link to a peer broke. */
  unreachable(id: NodeId): void {
    this.#machinery.loop.call((raft) => raft.unreachable(id)).catch(() =>
      undefined
    );
  }

  /**
   * Founds a group of these members, all of which must call it alike. A single
   * founder leads when this resolves, unless it has others beside it by then.
   * Rejects with `unavailable` when the replica ends before.
   */
  async bootstrap(founders: readonly Founder[]): Promise<BootstrapResult> {
    if (this.#failure !== undefined) throw this.#failure;
    const result = await bootstrap(this.#options, {
      recovered: this.#recovered,
      machinery: this.#machinery,
      founders,
    });
    await this.#whenSettled();
    return result;
  }

  /** Adds a member; it gets a vote by itself when it has caught up. */
  addLearner(member: Founder): Promise<ChangeOutcome> {
    return this.changeMembership({ kind: "add_learner", member });
  }

  promote(id: NodeId): Promise<ChangeOutcome> {
    return this.changeMembership({ kind: "promote", id });
  }

  remove(id: NodeId): Promise<ChangeOutcome> {
    return this.changeMembership({ kind: "remove", id });
  }

  /** Resolves when the change is committed, refused, or its outcome is open. */
  changeMembership(change: ConfigurationChange): Promise<ChangeOutcome> {
    const { waiters } = this.#machinery;
    return this.#call((raft) => proposeChange(raft, waiters, change));
  }

  /** Resolves when it has begun; `status` or the events tell how it ended. */
  transferLeadership(to: NodeId): Promise<TransferOutcome> {
    return this.#call((raft) => raft.transferLeadership(to));
  }

  /**
   * Before a stop: begins to lead no more and, if it leads, has another voter
   * take its place, none of those to `avoid`. Resolves when another one leads, at
   * once where nobody could, after two election timeouts in any case. What is
   * proposed meanwhile waits, and is refused with `not_leader` or goes on.
   */
  async handOver(
    avoid: ReadonlySet<NodeId> = new Set(),
  ): Promise<HandOverOutcome> {
    await this.#call((raft) => raft.retire());
    return await this.#machinery.handOver.run(avoid);
  }

  /** In a turn; refused once the replica has failed or stops. */
  #call<T>(call: (raft: ReplicaRaft) => T | Promise<T>): Promise<T> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return this.#machinery.loop.call(call);
  }

  /** Drops whole segments that hold only records below `before`. */
  trim(before: Offset): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return this.#machinery.retention.trim(before);
  }

  /**
   * Takes no more work, settles the proposals it has for a second, refuses all
   * that still waits with `unavailable`, and ends. Nothing hangs after it, and
   * whatever comes then is refused.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const hasFailed = this.#failure !== undefined;
    this.#failure ??= stopping();
    const { loop, sync, retention, resetter } = this.#machinery;
    resetter.stop();
    if (!hasFailed) await this.#drain();
    await retention.stop();
    loop.stop();
    this.#refuseAll(this.#failure, "the agent stops");
    await loop.idle();
    await sync.stop();
    await this.#close(hasFailed);
    if (this.#lastCause !== undefined) throw this.#lastCause;
  }

  /** `reason` for what was not begun, `why` for what is in the log. */
  #refuseAll(reason: ProglogError, why: string): void {
    const { queue, waiters, barriers, reader } = this.#machinery;
    queue.refuseAll(reason);
    waiters.giveUp(why);
    barriers.stop(reason);
    reader.end(reason);
    this.#tellSettled();
  }

  async #close(hasFailed: boolean): Promise<void> {
    const { checkpoints, block } = this.#machinery;
    block.end();
    try {
      await checkpoints.stop();
      if (!hasFailed) await checkpoints.writeLast();
    } finally {
      this.#recovered.stateFile.close();
      await this.#closeLog();
    }
  }

  /** Without room there is no mark of the orderly end: the next start is longer. */
  async #closeLog(): Promise<void> {
    try {
      await this.#log.close();
    } catch (error) {
      if (!isProglogError(error, "disk_full")) throw error;
    }
  }

  #drain(): Promise<void> {
    const { queue, waiters } = this.#machinery;
    if (queue.isEmpty && waiters.isEmpty) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.scheduler.after(DRAIN_MAX_MS, resolve);
      this.#drained = () => {
        cancel();
        resolve();
      };
    });
  }

  /** The only voter leads after a few syncs; nobody else is waited for. */
  async #whenSettled(): Promise<void> {
    if (!this.#isOnlyVoter) return;
    await new Promise<void>((resolve) => {
      this.#settling.push(resolve);
      this.#machinery.loop.wake();
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  get #isOnlyVoter(): boolean {
    const { configuration, id } = this.#machinery.loop.raft.status;
    const [voter, ...others] = votersOf(configuration);
    return voter === id && others.length === 0;
  }

  /** Who was the only voter may be so no more before it has led. */
  #tellSettled(): void {
    if (this.#settling.length === 0) return;
    const { commitIndex, lastIndex } = this.#machinery.loop.raft.status;
    if (this.isLeader) this.#settledAt ??= lastIndex;
    else this.#settledAt = undefined;
    const isCommitted = commitIndex >= (this.#settledAt ?? Infinity);
    const isStuck = this.#failure !== undefined ||
      this.#machinery.block.reason !== undefined;
    if (!isCommitted && !isStuck && this.#isOnlyVoter) return;
    for (const resolve of this.#settling.splice(0)) resolve();
    this.#settledAt = undefined;
  }

  #onTurn(): void {
    const { queue, waiters, checkpoints, handOver } = this.#machinery;
    checkpoints.note();
    handOver.turned();
    this.#tellSettled();
    if (this.#drained === undefined) return;
    if (queue.isEmpty && waiters.isEmpty) this.#drained();
  }

  #fail(cause: Error): void {
    if (this.#failure !== undefined) return this.#failWhileStopping(cause);
    this.#failure = failed(cause);
    this.#machinery.loop.stop();
    this.#refuseAll(this.#failure, `the log has failed: ${cause.message}`);
    this.#options.watcher.failed(cause);
  }

  #failWhileStopping(cause: Error): void {
    // A reset that gave up says only that we stop.
    if (isProglogError(cause, "unavailable")) return;
    this.#lastCause ??= cause;
    this.#drained?.();
  }
}
