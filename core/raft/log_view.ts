/**
 * How Raft sees the log. The commit log is the Raft log, and its owner is the
 * runtime: Raft reads terms and sizes through this view, orders changes in
 * `Ready.persist`, and never holds the bytes of an entry longer than until the
 * `Ready` that hands them over.
 */
import type { LogIndex, Offset, Term } from "../ids.ts";

/** The entry before the first one: where the log begins. */
export interface LogStart {
  /** 0 when the log begins at entry 1. */
  readonly index: LogIndex;
  readonly term: Term;
  /** The offset that the first record after `index` gets. */
  readonly nextOffset: Offset;
}

/**
 * What the log holds now, including writes that are not yet synced.
 * 1. Terms never fall from one index to the next.
 * 2. `start.index <= lastIndex`; equal when the log holds no entry.
 * 3. Everything that a `Ready` ordered is visible here before the next call of
 *    any method of Raft.
 * 4. `start` moves only over entries that are committed and applied.
 */
export interface LogView {
  readonly start: LogStart;
  readonly lastIndex: LogIndex;
  /** Term of an entry; callers ask only for `start.index..lastIndex`. */
  termAt(index: LogIndex): Term;
  /**
   * How far from `from` (up to `to`) the raw entries fit in `bytesMax`. At
   * least one entry is taken, however large.
   */
  measure(
    range: { from: LogIndex; to: LogIndex; bytesMax: number },
  ): { to: LogIndex; sizeBytes: number };
}
