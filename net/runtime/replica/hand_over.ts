/**
 * A leader that is about to stop has another voter take its place first, so that
 * nobody has to wait for an election: the one with the longest log of those that
 * are heard, and the next one where that does not take over. Serving goes on
 * meanwhile: what comes in waits for the outcome. Callers: replica.ts.
 */
import type { Clock, Scheduler } from "../../../core/env.ts";
import { type NodeId, votersOf } from "../../../core/raft/configuration.ts";
import type { RaftStatus } from "../../../core/raft/status.ts";
import type { ReplicaLoop } from "./replica_loop.ts";
import type { HandOverOutcome } from "./types.ts";

export interface HandOverOptions {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly loop: Pick<ReplicaLoop, "call" | "raft" | "role" | "leaderId">;
  /** A voter that was not heard for this long is taken for dead. */
  readonly electionTimeoutMs: number;
}

/** All tries together, in election timeouts. */
const TIMEOUTS_MAX = 2;

export class HandOver {
  readonly #options: HandOverOptions;
  #onTurn: () => void = () => undefined;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** Called after every turn: someone else may lead now. */
  turned(): void {
    this.#onTurn();
  }

  /**
   * Resolves when another node leads, after two election timeouts at the latest;
   * at once where this one does not lead or nobody could take over. Those to
   * `avoid` are not asked.
   */
  async run(avoid: ReadonlySet<NodeId>): Promise<HandOverOutcome> {
    const { clock, electionTimeoutMs, loop } = this.#options;
    if (loop.role !== "leader") return "not_leader";
    const endMs = clock.monotonicMs() + TIMEOUTS_MAX * electionTimeoutMs;
    const failed = new Set(avoid);
    while (loop.role === "leader") {
      const to = this.#successor(failed);
      if (to === undefined) {
        return failed.size > avoid.size ? "timed_out" : "nobody";
      }
      const result = await loop.call((raft) => raft.transferLeadership(to));
      // One that an operator asked for is waited for, and may do.
      if (result.ok || result.reason !== "transferring") failed.add(to);
      if (!await this.#until(() => !this.#isTransferring, endMs)) break;
    }
    const isDone = await this.#until(() => this.#isReplaced, endMs);
    return isDone ? "handed_over" : "timed_out";
  }

  get #isTransferring(): boolean {
    const { loop } = this.#options;
    return loop.role === "leader" && loop.raft.status.transferTo !== undefined;
  }

  get #isReplaced(): boolean {
    const { role, leaderId } = this.#options.loop;
    return role !== "leader" && leaderId !== undefined;
  }

  /** Of the voters that are heard the one that lacks least. */
  #successor(failed: ReadonlySet<NodeId>): NodeId | undefined {
    const { loop, electionTimeoutMs } = this.#options;
    const { configuration, peers }: RaftStatus = loop.raft.status;
    const voters = new Set(votersOf(configuration));
    return peers
      .filter(({ id, state, silentMs }) =>
        voters.has(id) && !failed.has(id) && state === "replicate" &&
        silentMs < electionTimeoutMs
      )
      .toSorted((one, other) =>
        other.matchIndex - one.matchIndex || one.silentMs - other.silentMs
      )[0]?.id;
  }

  /** False when it is not so by `endMs`. */
  #until(isSo: () => boolean, endMs: number): Promise<boolean> {
    const { clock, scheduler } = this.#options;
    if (isSo()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#onTurn = () => undefined;
        resolve(isSo());
      };
      const delayMs = Math.max(0, endMs - clock.monotonicMs());
      const cancel = scheduler.after(delayMs, end);
      this.#onTurn = () => {
        if (isSo()) end();
      };
    });
  }
}
