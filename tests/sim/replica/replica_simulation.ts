/**
 * One run of production replicas: a safety phase in which anything may break,
 * then calm, in which they must come together: the same committed records, the
 * same bytes, the same state.
 */
import { NO_LOG_FAULTS } from "../../../core/log/faults.ts";
import { NO_FAULTS } from "../../../core/raft/faults.ts";
import { settle } from "../../support/virtual_time.ts";
import { fail } from "../checker.ts";
import { drawOptions, type SimOptions } from "../options.ts";
import { Trace } from "../trace.ts";
import { Clients } from "./clients.ts";
import { planDecay } from "./decay.ts";
import { planWipe } from "./replacement.ts";
import { checkRecords, checkReplicas } from "./replica_checks.ts";
import { ReplicaCluster } from "./replica_cluster.ts";
import { ReplicaNemesis } from "./replica_nemesis.ts";
import {
  DIRECTORY,
  type PlantedFaults,
  type ReplicaNode,
} from "./replica_node.ts";

const NO_PLANTED_FAULTS: PlantedFaults = {
  raft: NO_FAULTS,
  replica: new Set(),
  log: NO_LOG_FAULTS,
  fsync: "always",
};

export interface ReplicaSimResult {
  readonly options: SimOptions;
  readonly violation: Error | undefined;
  readonly sights: ReadonlyMap<string, number>;
  readonly acknowledgedCount: number;
  readonly eventCount: number;
}

export async function simulateReplicas(
  seed: number,
  setup: { faults?: Partial<PlantedFaults>; trace?: Trace } = {},
): Promise<ReplicaSimResult> {
  const options = drawOptions(seed);
  const cluster = new ReplicaCluster({
    options,
    trace: setup.trace ?? new Trace({ mode: "off" }),
    faults: { ...NO_PLANTED_FAULTS, ...setup.faults },
  });
  try {
    await run(cluster, options);
  } catch (error) {
    cluster.broke(error);
  }
  const { violation, sights, truth, events } = cluster;
  if (violation) cluster.note(`BROKEN ${violation.message}`);
  return {
    options,
    violation,
    sights,
    acknowledgedCount: truth.acknowledgedCount,
    eventCount: events.ordinal,
  };
}

async function run(cluster: ReplicaCluster, options: SimOptions) {
  const nemesis = new ReplicaNemesis(cluster, options);
  for (const host of cluster.hosts.values()) host.start();
  nemesis.start();
  planWipe(cluster, options.wipeAtMs);
  new Clients(cluster).start(options);
  planDecay(cluster, options.decayEveryMs);
  await runUntil(cluster, options.safetyMs);
  cluster.isStormy = false;
  nemesis.calm();
  const endMs = options.safetyMs + options.livenessMs;
  await runUntil(cluster, endMs);
  const members = checkTogether(cluster);
  await stopAll(cluster);
  await checkReplicas(members, DIRECTORY);
}

/** One macrotask after each event: all promises have gone on by then. */
async function runUntil(cluster: ReplicaCluster, endMs: number) {
  while (cluster.events.step(endMs)) {
    await settle();
    if (cluster.violation !== undefined) throw cluster.violation;
  }
}

async function stopAll(cluster: ReplicaCluster): Promise<void> {
  let isStopped = false;
  const nodes = [...cluster.nodes.values()];
  const stopping = nodes.map(({ replica }) => replica?.stop());
  const stopped = Promise.all(stopping).then(
    () => isStopped = true,
    (error) => cluster.broke(error),
  );
  const endMs = cluster.events.nowMs + 5_000;
  while (!isStopped && cluster.events.step(endMs)) await settle();
  if (cluster.violation !== undefined) throw cluster.violation;
  if (!isStopped) fail("Stop: a replica does not end");
  await stopped;
}

/** All members are where the leader is; returns them. */
function checkTogether(cluster: ReplicaCluster): ReplicaNode[] {
  const nodes = [...cluster.nodes.values()];
  const leaders = nodes.filter(({ replica }) => replica?.isLeader);
  const [leader] = leaders;
  if (leader?.replica === undefined || leaders.length > 1) {
    const names = leaders.map(({ id }) => id).join(" ") || "nobody";
    return fail(`Convergence: ${names} lead at the end`);
  }
  const { lastIndex, configuration } = leader.replica.status();
  return configuration.members.map(({ id, role }) => {
    const node = cluster.nodes.get(id);
    const status = node?.replica?.status();
    if (node?.replica === undefined || status === undefined) {
      return fail(`Convergence: ${id} is not up`);
    }
    const has = `${status.commitIndex} of ${status.durableIndex}`;
    if (has !== `${lastIndex} of ${lastIndex}`) {
      fail(`Convergence: ${id} has committed ${has}, not ${lastIndex}`);
    }
    if (role !== "voter") fail(`Convergence: ${id} is still a learner`);
    checkRecords(cluster.truth, node);
    return node;
  });
}
