/**
 * Who waits to learn what became of an entry. Raft decides by index: the entry
 * that is committed there is the one that was proposed if its term is the same;
 * if it is another, the proposed one is gone for good. A lost leadership or a
 * truncation decides nothing: another node may still have the entry.
 */
import type { ProglogError } from "../../../core/errors.ts";
import type { LogIndex, Term } from "../../../core/ids.ts";

/** What became of an entry, for who proposed it. */
export interface EntryWaiter {
  readonly index: LogIndex;
  readonly term: Term;
  /** It is committed, and applied here. */
  committed(): void;
  /** Another one is committed in its place. */
  lost(): void;
  /** This node will not learn it, or not soon. */
  undecided(why: string): void;
  /** It could not be written, and is gone for good. */
  refused(reason: ProglogError): void;
}

export class EntryWaiters {
  readonly #byIndex = new Map<LogIndex, EntryWaiter[]>();

  get isEmpty(): boolean {
    return this.#byIndex.size === 0;
  }

  add(waiter: EntryWaiter): void {
    const waiters = this.#byIndex.get(waiter.index);
    if (waiters === undefined) this.#byIndex.set(waiter.index, [waiter]);
    else waiters.push(waiter);
  }

  /** The entry of `term` at `index` is committed. */
  committed(index: LogIndex, term: Term): void {
    const waiters = this.#byIndex.get(index);
    if (waiters === undefined) return;
    this.#byIndex.delete(index);
    for (const waiter of waiters) {
      if (waiter.term === term) waiter.committed();
      else waiter.lost();
    }
  }

  /** The entries of this term above `index` could not be written. */
  refuseAbove(
    end: { readonly index: LogIndex; readonly term: Term },
    reason: ProglogError,
  ): void {
    const isRefused = (waiter: EntryWaiter): boolean =>
      waiter.index > end.index && waiter.term === end.term;
    for (const waiter of this.#take(isRefused)) waiter.refused(reason);
  }

  /** Entries up to `index` were decided by a leader that does not say how. */
  giveUpTo(index: LogIndex, why: string): void {
    const isPassed = (waiter: EntryWaiter): boolean => waiter.index <= index;
    for (const waiter of this.#take(isPassed)) waiter.undecided(why);
  }

  giveUp(why: string): void {
    for (const waiter of this.#take(() => true)) waiter.undecided(why);
  }

  #take(isTaken: (waiter: EntryWaiter) => boolean): EntryWaiter[] {
    const taken: EntryWaiter[] = [];
    for (const [index, waiters] of this.#byIndex) {
      const kept = waiters.filter((waiter) => !isTaken(waiter));
      if (kept.length === waiters.length) continue;
      taken.push(...waiters.filter(isTaken));
      if (kept.length === 0) this.#byIndex.delete(index);
      else this.#byIndex.set(index, kept);
    }
    return taken;
  }
}
