/**
 * Reads that wait for proof that this node still leads (Raft dissertation,
 * section 6.4). A read joins the next heartbeat round; when a majority has
 * echoed that round or a later one, no other leader can have committed anything
 * before the read began. Also keeps when rounds began, for the lease.
 */
import type { LogIndex } from "../ids.ts";
import type { NodeId } from "./configuration.ts";

export interface Read {
  readonly context: number;
  /** Who asked: this node itself, or a follower that waits for the answer. */
  readonly from: NodeId;
}

export interface ConfirmedRead extends Read {
  readonly index: LogIndex;
}

export class ReadQueue {
  #round = 0;
  /** Came in since the last round began. */
  #waiting: Read[] = [];
  #rounds: { round: number; startedMs: number; reads: ConfirmedRead[] }[] = [];

  get round(): number {
    return this.#round;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  get pendingCount(): number {
    return this.#rounds.reduce(
      (count, round) => count + round.reads.length,
      this.#waiting.length,
    );
  }

  add(read: Read): void {
    this.#waiting.push(read);
  }

  /** Starts a round; the waiting reads join it if the commit index is known. */
  begin(options: { commitIndex: LogIndex | undefined; nowMs: number }): void {
    const index = options.commitIndex;
    const reads = index === undefined
      ? []
      : this.#waiting.map((read) => ({ ...read, index }));
    if (index !== undefined) this.#waiting = [];
    this.#round++;
    this.#rounds.push({ round: this.#round, startedMs: options.nowMs, reads });
  }

  /** Takes the reads of all rounds up to `round`, which a majority has echoed. */
  confirm(round: number): ConfirmedRead[] {
    const confirmed: ConfirmedRead[] = [];
    for (const started of this.#rounds) {
      if (started.round > round) break;
      confirmed.push(...started.reads.splice(0));
    }
    while ((this.#rounds[1]?.round ?? Infinity) <= round) this.#rounds.shift();
    return confirmed;
  }

  /** When `round` began, if it is the last one that was confirmed. */
  startedMs(round: number): number | undefined {
    return this.#rounds.find((started) => started.round === round)?.startedMs;
  }

  /** The contexts of the reads of `id`, which will never be confirmed. */
  abandon(id: NodeId): number[] {
    const reads: Read[] = [
      ...this.#rounds.flatMap((round) => round.reads),
      ...this.#waiting,
    ];
    this.#waiting = [];
    this.#rounds = [];
    return reads.filter((read) => read.from === id).map((read) => read.context);
  }
}
