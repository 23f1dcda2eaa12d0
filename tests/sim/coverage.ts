/**
 * Counts what happened in runs: a batch of seeds that never saw a truncation or
 * a partition proves less than it seems to.
 */
export const SIGHTS = [
  "crash",
  "restart",
  "pause",
  "slow_disk",
  "full_disk",
  "wipe",
  "replacement",
  "partition",
  "one_way_partition",
  "cut",
  "mute",
  "loss",
  "duplication",
  "reordering",
  "election",
  "truncation",
  "reset",
  "chunked_reset",
  "configuration_change",
  "configuration_rollback",
  "leader_removal",
  "promotion",
  "transfer",
  "quorum_lost",
  "disk_stalled",
  "write_failed",
  "lease_read",
  "quorum_read",
  "follower_read",
  "acknowledged",
  "lost_unsynced",
] as const;

export type Sight = typeof SIGHTS[number];

export class Coverage {
  readonly #counts = new Map<Sight, number>();

  saw(sight: Sight): void {
    this.#counts.set(sight, this.count(sight) + 1);
  }

  count(sight: Sight): number {
    return this.#counts.get(sight) ?? 0;
  }

  add(other: Coverage): void {
    for (const sight of SIGHTS) {
      this.#counts.set(sight, this.count(sight) + other.count(sight));
    }
  }

  /** What was never seen. */
  missing(): Sight[] {
    return SIGHTS.filter((sight) => this.count(sight) === 0);
  }

  toString(): string {
    return SIGHTS.map((sight) => `${sight} ${this.count(sight)}`).join(", ");
  }
}
