/**
 * Needless elections: nobody campaigns in a term that somebody led already when
 * the pre-vote for it began. A majority knew that term, and of any majority that
 * was asked one must have said so. Only where members do not change: majorities
 * that are several changes apart need not meet.
 */
import type { RaftEvent } from "../../core/raft/ready.ts";
import { fail } from "./fail.ts";

export class ElectionChecker {
  /** The highest term that anybody has led. */
  #ledTerm = 0;
  /** What that was when a node began to ask for pre-votes. */
  readonly #asking = new Map<string, number>();
  #isFixed = true;
  #founding: string | undefined;

  event(id: string, event: RaftEvent): void {
    if (event.kind === "configuration_changed") {
      const members = event.configuration.members.map((it) => it.id).join();
      if (members !== "") this.#founding ??= members;
      if (members !== (this.#founding ?? "")) this.#isFixed = false;
    }
    if (event.kind !== "role_changed") return;
    const { role, term } = event;
    const ledBefore = this.#asking.get(id);
    this.#asking.delete(id);
    if (role === "pre_candidate") this.#asking.set(id, this.#ledTerm);
    if (role === "leader") this.#ledTerm = Math.max(this.#ledTerm, term);
    if (role !== "candidate" || ledBefore === undefined) return;
    if (!this.#isFixed || term > ledBefore) return;
    fail(`Needless election: ${id} in term ${term}, ${ledBefore} was led`);
  }
}
