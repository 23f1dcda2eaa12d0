/**
 * What the leader knows of one follower, and how much it may send to it:
 * - probe: where the logs meet is not known; one append at a time.
 * - replicate: appends follow each other without waiting, within a window.
 * - catching_up: the follower needs entries that retention has dropped; it gets
 *   the leader's start of the log, one chunk of its state at a time.
 * Counts and states only; what to send is decided in replication.ts.
 */
import { type LogIndex, logIndex } from "../ids.ts";
import type { LogStart } from "./log_view.ts";

interface Inflight {
  readonly lastIndex: LogIndex;
  readonly sizeBytes: number;
}

export class Progress {
  state: "probe" | "replicate" | "catching_up" = "probe";
  /** Durable at the follower and equal to the leader's log up to here. */
  matchIndex: LogIndex = logIndex(0);
  /** The next entry to send. */
  nextIndex: LogIndex;
  /** The commit index that the follower was last told. */
  commitSent: LogIndex = logIndex(0);
  /** When anything of this term was last heard from it. */
  heardMs: number;
  /** Latest heartbeat round that it has answered. */
  round = 0;
  /** Probe or chunk that waits for its answer: when it was sent. */
  waitingSinceMs: number | undefined;
  /** In catching_up: what is being transferred and how far it is. */
  transfer: { readonly start: LogStart; position: number } | undefined;
  /** Set once its removal is in the log: when to stop feeding it at the latest. */
  leaving:
    | { readonly index: LogIndex; readonly deadlineMs: number }
    | undefined;
  #inflight: Inflight[] = [];
  #inflightBytes = 0;
  #sentMs = 0;

  constructor(options: { nextIndex: LogIndex; nowMs: number }) {
    this.nextIndex = options.nextIndex;
    this.heardMs = options.nowMs;
  }

  get inflightBytes(): number {
    return this.#inflightBytes;
  }

  get inflightCount(): number {
    return this.#inflight.length;
  }

  /** When the last append of the window was sent, while any is unanswered. */
  get inflightSentMs(): number | undefined {
    return this.#inflight.length > 0 ? this.#sentMs : undefined;
  }

  becomeProbe(): void {
    this.state = "probe";
    this.nextIndex = logIndex(this.matchIndex + 1);
    this.#forgetSent();
  }

  becomeReplicate(): void {
    this.state = "replicate";
    this.nextIndex = logIndex(this.matchIndex + 1);
    this.#forgetSent();
  }

  becomeCatchingUp(start: LogStart): void {
    this.state = "catching_up";
    this.#forgetSent();
    this.transfer = { start, position: 0 };
  }

  /** An append of entries up to `lastIndex` went out. */
  sent(append: Inflight & { nowMs: number }): void {
    this.nextIndex = logIndex(append.lastIndex + 1);
    this.#inflight.push(append);
    this.#inflightBytes += append.sizeBytes;
    this.#sentMs = append.nowMs;
  }

  /** Returns whether the follower is further than was known. */
  accepted(matchIndex: LogIndex): boolean {
    while ((this.#inflight[0]?.lastIndex ?? Infinity) <= matchIndex) {
      this.#inflightBytes -= this.#inflight.shift()?.sizeBytes ?? 0;
    }
    if (this.nextIndex <= matchIndex) this.nextIndex = logIndex(matchIndex + 1);
    if (matchIndex <= this.matchIndex) return false;
    this.matchIndex = matchIndex;
    return true;
  }

  /** Falls back to probing from `nextIndex`, never below what is matched. */
  rejected(nextIndex: LogIndex): void {
    this.becomeProbe();
    if (nextIndex > this.nextIndex) this.nextIndex = nextIndex;
  }

  #forgetSent(): void {
    this.#inflight = [];
    this.#inflightBytes = 0;
    this.waitingSinceMs = undefined;
    this.transfer = undefined;
  }
}
