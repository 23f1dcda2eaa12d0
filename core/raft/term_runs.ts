/**
 * The terms of the newest entries, as runs of equal terms, so that the questions
 * of every append are answered without reading the log. Older entries are not
 * known here.
 */
import type { LogIndex, Term } from "../ids.ts";

/** A leader's terms change rarely: this many runs reach far back. */
const RUNS_MAX = 64;

export class TermRuns {
  /** Each run reaches up to the entry before the next one. */
  #runs: { from: LogIndex; term: Term }[] = [];

  /** Undefined when the entry is older than what is remembered. */
  termAt(index: LogIndex): Term | undefined {
    return this.#runs.findLast((run) => run.from <= index)?.term;
  }

  appended(entry: { index: LogIndex; term: Term }): void {
    if (this.#runs.at(-1)?.term === entry.term) return;
    this.#runs.push({ from: entry.index, term: entry.term });
    if (this.#runs.length > RUNS_MAX) this.#runs.shift();
  }

  truncatedFrom(index: LogIndex): void {
    this.#runs = this.#runs.filter((run) => run.from < index);
  }

  forget(): void {
    this.#runs = [];
  }
}
