/**
 * A point between two entries, and the rule by which an entry follows it.
 */

import type { LogIndex, Offset, Term } from "../ids.ts";
import type { EntryHeader } from "./entry.ts";

/**
 * The point right after entry `index` of `term`; the next record gets `offset`.
 * Index 0 and term 0 are the beginning of time.
 */
export interface LogPoint {
  readonly index: LogIndex;
  readonly term: Term;
  readonly offset: Offset;
}

export const LOG_START: LogPoint = {
  index: 0 as LogIndex,
  term: 0 as Term,
  offset: 0 as Offset,
};

/** Whether an entry may come right after `point`. */
export function follows(point: LogPoint, header: EntryHeader): boolean {
  return header.index === point.index + 1 &&
    header.term >= point.term && header.baseOffset === point.offset;
}

/** The point right after an entry. */
export function pointAfter(header: EntryHeader): LogPoint {
  return {
    index: header.index,
    term: header.term,
    offset: (header.baseOffset + header.recordCount) as Offset,
  };
}
