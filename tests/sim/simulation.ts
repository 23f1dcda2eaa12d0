/**
 * One run: a safety phase in which anything may break and nothing acknowledged
 * may be lost, then a liveness phase in which all is well and the cluster must
 * come together within bounded virtual time.
 */
import { NO_FAULTS, type RaftFaults } from "../../core/raft/faults.ts";
import { renderEntry } from "../core/raft/support/render.ts";
import { type Rules, Violation } from "./checker.ts";
import { Cluster, type WipedIdentity } from "./cluster.ts";
import type { Coverage } from "./coverage.ts";
import { calm, startNemesis } from "./nemesis.ts";
import { drawOptions, type SimOptions } from "./options.ts";
import { planWipe } from "./replacement.ts";
import { Trace } from "./trace.ts";
import { Workload } from "./workload.ts";

export interface SimResult {
  readonly options: SimOptions;
  /** The invariant that broke, or undefined. */
  readonly violation: Error | undefined;
  readonly coverage: Coverage;
  readonly acknowledgedCount: number;
  readonly eventCount: number;
}

export function simulate(
  seed: number,
  setup: {
    faults?: RaftFaults;
    wipedIdentity?: WipedIdentity;
    trace?: Trace;
    /** What a seed does not decide in this run. */
    directed?: Partial<SimOptions>;
    rules?: Rules;
  } = {},
): SimResult {
  const options = { ...drawOptions(seed), ...setup.directed };
  const trace = setup.trace ?? new Trace({ mode: "off" });
  const cluster = new Cluster({
    options,
    trace,
    faults: setup.faults ?? NO_FAULTS,
    ...(setup.rules !== undefined && { rules: setup.rules }),
  });
  const workload = new Workload(cluster);
  cluster.workload = workload;
  let violation: Error | undefined;
  try {
    planWipe(cluster, {
      atMs: options.wipeAtMs,
      identity: setup.wipedIdentity ?? "new",
    });
    run(cluster, workload, options);
  } catch (error) {
    // Broken invariants of the core itself count as findings too.
    if (!(error instanceof Error)) throw error;
    violation = error;
    cluster.note(`BROKEN ${error.message}`);
  }
  return {
    options,
    violation,
    coverage: cluster.coverage,
    acknowledgedCount: workload.acknowledged.length,
    eventCount: cluster.events.ordinal,
  };
}

function run(
  cluster: Cluster,
  workload: Workload,
  options: SimOptions,
): void {
  const { events } = cluster;
  for (const { host } of cluster.nodes.values()) host.start();
  startNemesis(cluster, options);
  workload.start(options);
  while (events.step(options.safetyMs));
  cluster.isStormy = false;
  calm(cluster);
  const endMs = options.safetyMs + options.livenessMs;
  while (events.step(endMs - options.livenessMs / 2));
  const leader = findLeader(cluster);
  cluster.call(leader, (node) => workload.propose(node));
  while (events.step(endMs));
  checkTogether(cluster);
  checkAcknowledged(cluster, workload);
}

function findLeader(cluster: Cluster): string {
  const leaders = [...cluster.nodes.values()].filter(({ node }) =>
    node.raft.status.role === "leader"
  );
  const [leader] = leaders;
  if (leader === undefined || leaders.length > 1) {
    const names = leaders.map(({ node }) => node.id).join(" ") || "nobody";
    throw new Violation(`Convergence: ${names} lead at the end`);
  }
  return leader.node.id;
}

/** All members have the leader's log, durable and committed to its end. */
function checkTogether(cluster: Cluster): void {
  const leader = cluster.nodes.get(findLeader(cluster))?.node;
  if (leader === undefined) return;
  const { lastIndex, commitIndex, configuration } = leader.raft.status;
  if (commitIndex < lastIndex) {
    throw new Violation(
      `Convergence: ${commitIndex} of ${lastIndex} committed`,
    );
  }
  for (const { id, role } of configuration.members) {
    const node = cluster.nodes.get(id)?.node;
    const status = node?.raft.status;
    const has = `${status?.commitIndex} of ${status?.durableIndex}`;
    if (has !== `${lastIndex} of ${lastIndex}`) {
      throw new Violation(
        `Convergence: ${id} has committed ${has}, not ${lastIndex}`,
      );
    }
    if (role !== "voter") {
      throw new Violation(`Convergence: ${id} is still a learner`);
    }
    for (const entry of node?.log.entries ?? []) {
      const committed = cluster.checker.committed[entry.index - 1];
      const wanted = committed && renderEntry(committed);
      if (renderEntry(entry) === wanted) continue;
      throw new Violation(
        `Replicas: ${id} has ${renderEntry(entry)}, not ${wanted}`,
      );
    }
  }
}

/** Durability: every acknowledged value was committed, and once. */
function checkAcknowledged(cluster: Cluster, workload: Workload): void {
  const counts = new Map<string, number>();
  for (const { text } of cluster.checker.committed) {
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  for (const text of workload.acknowledged) {
    const count = counts.get(text) ?? 0;
    if (count !== 1) {
      throw new Violation(`Durability: ${text} is in the log ${count} times`);
    }
  }
}
