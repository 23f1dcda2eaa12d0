/**
 * The invariants of Raft (paper, figure 3), checked after every event against
 * one truth: what any node was seen to commit, vote or write. The first breach
 * ends the run with a `Violation`.
 */
import type { Message } from "../../core/raft/messages.ts";
import type { RaftEvent } from "../../core/raft/ready.ts";
import type { MemoryEntry } from "../core/raft/support/memory_log.ts";
import type {
  MemoryNode,
  NodeReady,
} from "../core/raft/support/memory_node.ts";
import { renderEntry } from "../core/raft/support/render.ts";
import { ElectionChecker } from "./election_checker.ts";
import { fail, Violation } from "./fail.ts";
import { ReadChecker } from "./read_checker.ts";

interface Committed {
  readonly entry: MemoryEntry;
  /** Term of the node that was first seen to commit it. */
  readonly byTerm: number;
}

/**
 * "effects": only what a client, a disk or another node could notice; not the
 * rules that a decision follows inside of one node.
 */
export type Rules = "all" | "effects";

export class Checker {
  readonly reads = new ReadChecker();
  readonly #rules: Rules;
  readonly #elections = new ElectionChecker();
  readonly #leaders = new Map<number, string>();
  readonly #votes = new Map<string, string>();
  /** What an (index, term) stands for, and the term before it. */
  readonly #written = new Map<string, string>();
  readonly #terms = new Map<string, number>();
  #committed: Committed[] = [];

  constructor(rules: Rules = "all") {
    this.#rules = rules;
  }

  /** Entries that any node knows to be committed: 1 to this. */
  get committedIndex(): number {
    return this.#committed.length;
  }

  get committed(): readonly MemoryEntry[] {
    return this.#committed.map(({ entry }) => entry);
  }

  decided(node: MemoryNode, ready: NodeReady, committedBefore: number): void {
    this.#checkTerm(node, ready);
    this.#checkWrites(node, ready);
    if (this.#rules === "all") this.#checkPreVotes(node, ready);
    for (const event of ready.events) this.#checkEvent(node, event);
    this.#checkCommits(node, committedBefore);
    if (this.#rules === "all") this.#checkCommitRule(node, committedBefore);
    this.#checkChanges(node);
    for (const read of ready.readStates) this.reads.answered(node.id, read);
  }

  sent(node: MemoryNode, message: Message): void {
    this.#checkPromise(node, message);
    this.#checkVote(message);
  }

  /** What a vote or an acknowledgement promises is on the disk when it leaves. */
  #checkPromise(node: MemoryNode, message: Message): void {
    const { hardState, start, entries } = node.log.durable;
    // A later term on the disk makes promises of earlier ones history.
    if ((hardState?.term ?? 0) > message.term) return;
    if (message.kind === "vote_response" && message.vote === "granted") {
      const isDurable = hardState?.term === message.term &&
        hardState.votedFor === message.to;
      if (!isDurable) fail(`Persist first: the vote of ${node.id} is not`);
    }
    if (message.kind === "append_accepted") {
      const durableIndex = start.index + entries.length;
      if (durableIndex >= message.matchIndex) return;
      fail(
        `Persist first: ${node.id} has ${durableIndex} on disk and acknowledged ${message.matchIndex}`,
      );
    }
  }

  /** A node votes once in a term, whatever happened to it in between. */
  #checkVote(message: Message): void {
    if (message.kind !== "vote_response" || message.vote !== "granted") return;
    const key = `${message.from} in term ${message.term}`;
    const earlier = this.#votes.get(key) ?? message.to;
    this.#votes.set(key, earlier);
    if (earlier !== message.to) {
      fail(`One vote a term: ${key} voted for ${earlier} and ${message.to}`);
    }
  }

  /** Terms that a node has made durable never fall, not even by a crash. */
  #checkTerm(node: MemoryNode, ready: NodeReady): void {
    const durable = node.log.durable.hardState?.term ?? 0;
    const before = this.#terms.get(node.id) ?? 0;
    const hardState = ready.persist?.hardState;
    if (hardState && hardState.term < before) {
      fail(`Terms grow: ${node.id} went from ${before} to ${hardState.term}`);
    }
    this.#terms.set(node.id, Math.max(before, durable));
  }

  /** Log matching: equal index and term mean equal entries and predecessors. */
  #checkWrites(node: MemoryNode, ready: NodeReady): void {
    for (const { index, term } of ready.persist?.entries ?? []) {
      const entry = node.log.entryAt(index);
      if (entry === undefined) return;
      const previous = index - 1 === node.log.start.index
        ? node.log.start.term
        : node.log.entryAt(index - 1)?.term;
      const key = `${index}/${term}`;
      const found = `${renderEntry(entry)} after term ${previous}`;
      const known = this.#written.get(key) ?? found;
      this.#written.set(key, known);
      if (known !== found) {
        fail(`Log matching: ${node.id} has ${found}, another had ${known}`);
      }
    }
  }

  /** A pre-vote is granted only for a term that is still to come. */
  #checkPreVotes(node: MemoryNode, ready: NodeReady): void {
    for (const order of [...ready.sendNow, ...ready.sendAfterPersist]) {
      if (order.kind !== "pre_vote_response") continue;
      const { term } = node.raft.status;
      // Granted before a later input of the same turn raised the term.
      if (ready.persist?.hardState !== undefined) continue;
      if (order.vote === "granted" && order.term <= term) {
        fail(`Pre-vote: ${node.id} in term ${term} granted ${order.term}`);
      }
    }
  }

  #checkEvent(node: MemoryNode, event: RaftEvent): void {
    this.#elections.event(node.id, event);
    if (event.kind !== "role_changed" || event.role !== "leader") return;
    const known = this.#leaders.get(event.term) ?? node.id;
    this.#leaders.set(event.term, known);
    if (known !== node.id) {
      fail(`Election safety: ${known} and ${node.id} lead term ${event.term}`);
    }
    this.#checkLeader(node, event.term);
  }

  /** Leader completeness: it has all that was committed in earlier terms. */
  #checkLeader(node: MemoryNode, term: number): void {
    for (const { entry, byTerm } of this.#committed) {
      if (byTerm >= term || entry.index <= node.log.start.index) continue;
      const own = node.log.entryAt(entry.index);
      if (own?.term === entry.term) continue;
      fail(
        `Leader completeness: ${node.id} leads term ${term} without ${
          renderEntry(entry)
        }`,
      );
    }
  }

  /** State-machine safety: nobody ever commits anything else at an index. */
  #checkCommits(node: MemoryNode, committedBefore: number): void {
    const { log } = node;
    const first = Math.max(committedBefore, log.start.index) + 1;
    for (let index = first; index <= node.committedIndex; index++) {
      const entry = log.entryAt(index);
      if (entry === undefined) fail(`${node.id} committed ${index} without it`);
      const known = this.#committed[index - 1]?.entry;
      if (known === undefined) this.#commitFirst(node, entry);
      else if (renderEntry(known) !== renderEntry(entry)) {
        fail(
          `State-machine safety: ${node.id} committed ${
            renderEntry(entry)
          }, another ${renderEntry(known)}`,
        );
      }
    }
  }

  /** Paper, section 5.4.2: a leader counts replicas only of its own term. */
  #checkCommitRule(node: MemoryNode, committedBefore: number): void {
    const { role, term } = node.raft.status;
    const isMoved = node.committedIndex > committedBefore;
    if (role !== "leader" || !isMoved) return;
    const entry = node.log.entryAt(node.committedIndex);
    if (entry !== undefined && entry.term !== term) {
      fail(
        `Commit rule: ${node.id} in term ${term} counted replicas of ${
          renderEntry(entry)
        }`,
      );
    }
  }

  #commitFirst(node: MemoryNode, entry: MemoryEntry): void {
    if (entry.index !== this.#committed.length + 1) {
      fail(`${node.id} committed ${entry.index} before those ahead of it`);
    }
    this.#committed.push({ entry, byTerm: node.raft.status.term });
    this.reads.committedIndex = entry.index;
  }

  /** At most one change of the configuration is under way in a leader's log. */
  #checkChanges(node: MemoryNode): void {
    if (node.raft.status.role !== "leader") return;
    const pending = node.log.configurations().filter((entry) =>
      entry.index > this.committedIndex
    );
    if (pending.length > 1) {
      const indexes = pending.map((entry) => entry.index).join(" and ");
      fail(`One change at a time: ${node.id} has ${indexes} under way`);
    }
  }
}

export { fail, Violation };
