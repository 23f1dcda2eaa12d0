/**
 * How a cluster begins: every founder writes the same first entry, the
 * configuration of them all. A node that is to join an existing cluster writes
 * nothing and waits until a leader finds it.
 */
import { type LogIndex, logIndex, type Term, term } from "../ids.ts";
import {
  type Configuration,
  makeConfiguration,
  type Member,
} from "./configuration.ts";
import type { HardState } from "./ready.ts";

/** The first entry's term, in which nobody campaigns or leads. */
export const FOUNDING_TERM: Term = term(1);

/** What a founder must write and sync before its Raft is created. */
export interface Founding {
  readonly hardState: HardState;
  readonly entry: {
    readonly kind: "configuration";
    readonly index: LogIndex;
    readonly term: Term;
    readonly configuration: Configuration;
  };
}

/** The same on every founder, in whatever order the members are given. */
export function foundCluster(
  founders: readonly Omit<Member, "role">[],
): Founding {
  const configuration = makeConfiguration(
    founders.map((founder) => ({ ...founder, role: "voter" })),
  );
  const first = { index: logIndex(1), term: FOUNDING_TERM };
  return {
    hardState: { term: FOUNDING_TERM, votedFor: undefined },
    entry: { kind: "configuration", ...first, configuration },
  };
}
