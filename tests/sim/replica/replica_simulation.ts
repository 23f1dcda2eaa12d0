/**
 * One run of production replicas: a safety phase in which anything may break,
 * then calm, in which they must come together: the same committed records, the
 * same bytes, the same state.
 */
import { logIndex } from "../../../core/ids.ts";
import { Log } from "../../../core/log/log.ts";
import { NO_FAULTS } from "../../../core/raft/faults.ts";
import { loadState } from "../../../net/runtime/replica/applied_state.ts";
import { settle } from "../../support/virtual_time.ts";
import { fail } from "../checker.ts";
import { drawOptions, type SimOptions } from "../options.ts";
import { SeededRandom } from "../random.ts";
import { Trace } from "../trace.ts";
import { Clients } from "./clients.ts";
import { planWipe } from "./replacement.ts";
import { ReplicaCluster } from "./replica_cluster.ts";
import { ReplicaNemesis } from "./replica_nemesis.ts";
import {
  DIRECTORY,
  type PlantedFaults,
  readValues,
  type ReplicaNode,
} from "./replica_node.ts";

const NO_PLANTED_FAULTS: PlantedFaults = {
  raft: NO_FAULTS,
  replica: new Set(),
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
  await runUntil(cluster, options.safetyMs);
  cluster.isStormy = false;
  nemesis.calm();
  const endMs = options.safetyMs + options.livenessMs;
  await runUntil(cluster, endMs);
  const members = checkTogether(cluster);
  await stopAll(cluster);
  await checkReplicas(members);
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
  const stopping = [...cluster.nodes.values()].map(({ replica }) =>
    replica?.stop()
  );
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
    checkRecords(cluster, node);
    return node;
  });
}

function checkRecords(cluster: ReplicaCluster, node: ReplicaNode): void {
  const { replica } = node;
  if (replica === undefined) return;
  const { lowestOffset, nextOffset } = replica;
  const values = new Map<number, string>();
  for (const record of readValues(replica, lowestOffset)) {
    cluster.truth.saw(record, node.id);
    values.set(record.offset, record.value);
  }
  if (values.size !== nextOffset - lowestOffset) {
    fail(`Gapless: ${node.id} has ${values.size} of ${nextOffset}`);
  }
  cluster.truth.checkComplete(values, lowestOffset);
}

/** Entries byte for byte, and the producers known, after an orderly end. */
async function checkReplicas(nodes: readonly ReplicaNode[]): Promise<void> {
  const entries = new Map<number, string>();
  const producers = new Map<string, string>();
  for (const { id, disk } of nodes) {
    const copy = disk.clone();
    const { log } = await Log.open({
      disk: copy,
      directory: `${DIRECTORY}/log`,
      random: new SeededRandom(1),
    });
    for (const [index, bytes] of rawEntries(log)) {
      const known = entries.get(index) ?? bytes;
      entries.set(index, known);
      if (known !== bytes) fail(`Replicas: ${id} has another entry ${index}`);
    }
    const file = { directory: DIRECTORY, name: "checkpoint" };
    const state = loadState(copy, file);
    producers.set(id, JSON.stringify([state?.at, state?.producers.toString()]));
  }
  if (new Set(producers.values()).size > 1) {
    fail(`State: ${[...producers].join(" | ")}`);
  }
}

/** Without what belongs to their place in a file. */
function* rawEntries(log: Log): Generator<[number, string]> {
  for (let from = log.firstIndex; from <= log.lastIndex; from++) {
    const read = log.entriesFrom({
      from: logIndex(from),
      bytesMax: 1,
      countMax: 1,
    });
    const bytes = read?.bytes.slice() ?? new Uint8Array(0);
    bytes.fill(0, 8, 16);
    yield [from, bytes.toString()];
  }
}
