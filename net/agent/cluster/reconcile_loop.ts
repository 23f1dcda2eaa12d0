/**
 * Keeps Raft's members in step with gossip: asks `reconcile` every second and
 * after every news, and does the one change that it wants. Every node asks, to
 * remember since when somebody is gone; only the leader's answer has a change.
 */
import { reconcile } from "../../../core/cluster/reconcile.ts";
import { withChange } from "../../../core/cluster/reconcile_memory.ts";
import {
  type Finding,
  RECONCILE_CONFIG_DEFAULT,
  type ReconcileMemory,
} from "../../../core/cluster/reconcile_types.ts";
import { isProglogError } from "../../../core/errors.ts";
import { nodesOf } from "../../../core/cluster/node_view.ts";
import type { MemberView } from "../../../core/swim/serf/events.ts";
import type { Replica } from "../../runtime/replica/replica.ts";
import type { Host } from "../host.ts";

const INTERVAL_MS = 1_000;
/** How long a name stays in conflict after the last word of it. */
const CONFLICT_MS = 30_000;

export interface ReconcileLoopOptions {
  readonly host: Host;
  readonly replica: Replica;
  readonly members: () => readonly MemberView[];
  readonly clusterId: () => string;
  readonly failedReapMs: number | undefined;
}

export class ReconcileLoop {
  readonly #options: ReconcileLoopOptions;
  readonly #conflicts = new Map<string, number>();
  #memory: ReconcileMemory = { goneSinceMs: new Map(), changes: new Map() };
  #told = new Set<string>();
  #cancel: () => void = () => undefined;
  #isChanging = false;
  #isStopped = false;
  #isFailing = false;

  constructor(options: ReconcileLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /** Two live nodes have this name. */
  conflict(name: string): void {
    this.#conflicts.set(name, this.#options.host.clock.monotonicMs());
  }

  /** There is news from gossip or Raft. */
  wake(): void {
    if (!this.#isStopped) this.#tryRun();
  }

  #schedule(): void {
    this.#cancel = this.#options.host.scheduler.after(INTERVAL_MS, () => {
      this.#tryRun();
      if (!this.#isStopped) this.#schedule();
    });
  }

  /**
   * What the outside world does to it is told once, for as long as it lasts, and
   * tried again; a bug ends the node.
   */
  #tryRun(): void {
    const { host } = this.#options;
    try {
      this.#run();
      this.#isFailing = false;
    } catch (error) {
      if (!isProglogError(error)) return host.fail(error);
      if (!this.#isFailing) {
        host.logger.warn("cannot look after the members now", { error });
      }
      this.#isFailing = true;
    }
  }

  #run(): void {
    const { host, replica, members, clusterId, failedReapMs } = this.#options;
    const { followers: peers, ...raft } = replica.status();
    const nowMs = host.clock.monotonicMs();
    const result = reconcile({
      nodes: nodesOf(members()),
      conflictedNames: this.#conflicted(nowMs),
      clusterId: clusterId(),
      raft: { ...raft, peers },
      nowMs,
      memory: this.#memory,
      config: {
        ...RECONCILE_CONFIG_DEFAULT,
        ...(failedReapMs === undefined ? {} : { failedReapMs }),
      },
    });
    this.#memory = result.memory;
    this.#tell(result.findings);
    if (result.change === undefined || this.#isChanging) return;
    // Of a cluster without an identity nobody could tell later which one it is.
    if (clusterId() === "") return;
    this.#isChanging = true;
    host.logger.info("changing the members", { reason: result.reason });
    const { change } = result;
    replica.changeMembership(change).then((outcome) => {
      if (outcome.ok) this.#memory = withChange(this.#memory, change, nowMs);
      else {
        host.logger.warn("the members were not changed", {
          reason: outcome.reason,
        });
      }
    }, (error) => host.logger.warn("the members were not changed", { error }))
      .finally(() => this.#isChanging = false);
  }

  #conflicted(nowMs: number): Set<string> {
    for (const [name, atMs] of this.#conflicts) {
      if (nowMs - atMs > CONFLICT_MS) this.#conflicts.delete(name);
    }
    return new Set(this.#conflicts.keys());
  }

  /** Each finding once, for as long as it lasts. */
  #tell(findings: readonly Finding[]): void {
    for (const { text, kind, node } of findings) {
      if (this.#told.has(text)) continue;
      this.#options.host.logger.warn(text, { finding: kind, member: node });
    }
    this.#told = new Set(findings.map(({ text }) => text));
  }
}
