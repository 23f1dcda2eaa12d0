/**
 * The numbers that must not be mixed up. Each is a plain number below 2^53 at
 * run time; the brands make the compiler keep them apart.
 */

/** Position of a record in its log: 0, 1, 2, ... without gaps. */
export type Offset = number & { readonly brand: "offset" };

/** Position of an entry in the Raft log: 1, 2, 3, ...; 0 means "none". */
export type LogIndex = number & { readonly brand: "log_index" };

/** Raft term: 1, 2, 3, ...; 0 means "none". */
export type Term = number & { readonly brand: "term" };

export function offset(value: number): Offset {
  return value as Offset;
}

export function logIndex(value: number): LogIndex {
  return value as LogIndex;
}

export function term(value: number): Term {
  return value as Term;
}
