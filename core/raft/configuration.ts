/**
 * Who belongs to the cluster, and how one change turns one configuration into
 * the next. Pure values; when a change may be proposed is the leader's business
 * (membership.ts). A configuration is effective as soon as it is in the log.
 */
import type { LogIndex } from "../ids.ts";
import { assert, unreachable } from "../assert.ts";

/**
 * Identity of one data directory: drawn at random when the directory is first
 * used and stored in it. A node that lost its data draws a new one, so that it
 * cannot vote under an identity that has already voted or acknowledged.
 */
export type NodeId = string;

export interface Member {
  readonly id: NodeId;
  /** The operator's name of the node; two identities may have had the same. */
  readonly name: string;
  /** Where peers reach it: "host:port". A hint; gossip knows better. */
  readonly address: string;
  /** A learner gets the log and has no vote until it has caught up. */
  readonly role: "voter" | "learner";
}

/** Members sorted by id, without duplicates. */
export interface Configuration {
  readonly members: readonly Member[];
}

export type ConfigurationChange =
  | { readonly kind: "add_learner"; readonly member: Omit<Member, "role"> }
  | { readonly kind: "promote"; readonly id: NodeId }
  | { readonly kind: "remove"; readonly id: NodeId }
  | {
    readonly kind: "readdress";
    readonly id: NodeId;
    readonly address: string;
  };

export type ChangeResult =
  | { readonly ok: true; readonly configuration: Configuration }
  | {
    readonly ok: false;
    readonly reason:
      | "already_member"
      | "unknown_member"
      | "last_voter"
      | "no_change";
  };

export function makeConfiguration(members: readonly Member[]): Configuration {
  const sorted = members.toSorted((left, right) => left.id < right.id ? -1 : 1);
  return { members: sorted };
}

export function votersOf(configuration: Configuration): readonly NodeId[] {
  return configuration.members.filter((member) => member.role === "voter")
    .map((member) => member.id);
}

export function memberOf(
  configuration: Configuration,
  id: NodeId,
): Member | undefined {
  return configuration.members.find((member) => member.id === id);
}

/** The configuration after `change`; each change moves at most one vote. */
export function applyChange(
  configuration: Configuration,
  change: ConfigurationChange,
): ChangeResult {
  if (change.kind === "add_learner") return add(configuration, change.member);
  const member = memberOf(configuration, change.id);
  if (member === undefined) return { ok: false, reason: "unknown_member" };
  const others = configuration.members.filter((other) => other !== member);
  switch (change.kind) {
    case "promote":
      if (member.role === "voter") return { ok: false, reason: "no_change" };
      return changed([...others, { ...member, role: "voter" }]);
    case "readdress":
      if (member.address === change.address) {
        return { ok: false, reason: "no_change" };
      }
      return changed([...others, { ...member, address: change.address }]);
    case "remove":
      if (!others.some((other) => other.role === "voter")) {
        return { ok: false, reason: "last_voter" };
      }
      return changed(others);
    default:
      return unreachable(change);
  }
}

function add(
  configuration: Configuration,
  member: Omit<Member, "role">,
): ChangeResult {
  if (memberOf(configuration, member.id) !== undefined) {
    return { ok: false, reason: "already_member" };
  }
  return changed([...configuration.members, { ...member, role: "learner" }]);
}

function changed(members: readonly Member[]): ChangeResult {
  return { ok: true, configuration: makeConfiguration(members) };
}

export interface ConfigurationEntry {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/**
 * The configurations of a log in index order. The last one is effective, also
 * before it is committed; truncating the log brings the one before it back.
 */
export class ConfigurationHistory {
  #entries: ConfigurationEntry[];

  /** `entries`: that of the start of the log, then those in the log. */
  constructor(entries: readonly ConfigurationEntry[]) {
    this.#entries = [...entries];
    if (this.#entries.length === 0) {
      this.#entries.push({
        index: 0 as LogIndex,
        configuration: { members: [] },
      });
    }
  }

  get latest(): ConfigurationEntry {
    const latest = this.#entries.at(-1);
    assert(latest !== undefined, "A configuration history is never empty");
    return latest;
  }

  /** What was effective before the latest one, while it is remembered. */
  get previous(): ConfigurationEntry | undefined {
    return this.#entries.at(-2);
  }

  append(entry: ConfigurationEntry): void {
    assert(
      entry.index > this.latest.index || this.#entries.length === 1,
      `Configuration ${entry.index} must follow ${this.latest.index}`,
    );
    this.#entries.push(entry);
  }

  /** Drops those at `index` and above; returns whether there were any. */
  truncateFrom(index: LogIndex): boolean {
    const kept = this.#entries.filter((entry) => entry.index < index);
    const dropped = kept.length < this.#entries.length;
    assert(kept.length > 0, "Cannot truncate the configuration of the start");
    this.#entries = kept;
    return dropped;
  }

  /** Replaces everything: the log now starts after `entry.index`. */
  reset(entry: ConfigurationEntry): void {
    this.#entries = [entry];
  }

  /** What was effective when the log ended at `index`. */
  at(index: LogIndex): Configuration | undefined {
    return this.#entries.findLast((entry) => entry.index <= index)
      ?.configuration;
  }

  /** Forgets those that no start of the log from `startIndex` on can need. */
  prune(startIndex: LogIndex): void {
    const keep = this.#entries.findLastIndex((entry) =>
      entry.index <= startIndex
    );
    if (keep > 0) this.#entries.splice(0, keep);
  }
}
