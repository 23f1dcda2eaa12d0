/**
 * What goes wrong in a run, by seed: crashes, pauses, partitions, slow disks.
 */
import type { NodeReady } from "../core/raft/support/memory_node.ts";
import type { Cluster, SimNode } from "./cluster.ts";
import { every } from "./every.ts";
import type { Host } from "./host.ts";
import type { SimOptions } from "./options.ts";
import type { SeededRandom } from "./random.ts";

const SLOW_SYNC_MAX_MS = 1_200;
/** By then a leader's first entry is on its disk. */
const WRITTEN_MS = 10;

export function startNemesis(cluster: Cluster, options: SimOptions): void {
  const random = cluster.random.fork();
  const { crashEveryMs, pauseEveryMs, partitionEveryMs } = options;
  every({ cluster, random, meanMs: crashEveryMs }, () => {
    crash(cluster, random);
  });
  every({ cluster, random, meanMs: pauseEveryMs }, () => {
    pause(cluster, random);
  });
  every({ cluster, random, meanMs: partitionEveryMs }, () => {
    split(cluster, random);
  });
  every({ cluster, random, meanMs: options.fullDiskEveryMs }, () => {
    fill(cluster, random);
  });
  strikeAtDecisions(cluster, options);
  every({ cluster, random, meanMs: options.slowDiskEveryMs }, () => {
    slowDown(cluster, { random, syncMaxMs: options.syncMaxMs });
  });
}

/** Crashes a node just when it has voted, won or committed. */
function strikeAtDecisions(cluster: Cluster, options: SimOptions): void {
  const random = cluster.random.fork();
  cluster.afterDecision = (simNode, ready, committedBefore) => {
    const { host } = simNode;
    if (options.figure8 > 0 && random.chance(options.figure8)) {
      strikeAsFigure8(cluster, { simNode, ready, committedBefore });
    }
    const isAwkward = ready.persist?.hardState !== undefined ||
      ready.sendNow.length > 0 && ready.events.length > 0;
    if (!isAwkward || !random.chance(options.awkwardCrash)) return;
    const delayMs = random.pick([0, 1, options.delayMaxMs]);
    const downMs = random.pick([1, 20, 300]);
    // Sometimes the power fails before anything gets out.
    if (random.chance(0.3)) cluster.network.mute(host.name);
    cluster.events.after(delayMs, () => {
      cluster.network.unmute(host.name);
      if (cluster.isStormy) crashHost(cluster, { host, downMs });
    });
  };
}

/**
 * The moments of the paper's figure 8: a leader dies unheard once its first entry
 * is written, and one that counts replicas of an earlier term dies at once.
 */
function strikeAsFigure8(
  cluster: Cluster,
  { simNode, ready, committedBefore }: {
    readonly simNode: SimNode;
    readonly ready: NodeReady;
    readonly committedBefore: number;
  },
): void {
  const { host, node } = simNode;
  if (!cluster.isStormy) return;
  const { role, term } = node.raft.status;
  const isElected = ready.events.some((event) =>
    event.kind === "role_changed" && event.role === "leader"
  );
  const committed = node.log.entryAt(node.committedIndex);
  const isOldCommit = role === "leader" && committed !== undefined &&
    committed.term < term && node.committedIndex > committedBefore;
  if (!isElected && !isOldCommit) return;
  cluster.network.mute(host.name);
  cluster.events.after(isOldCommit ? 0 : WRITTEN_MS, () => {
    cluster.network.unmute(host.name);
    const downMs = isOldCommit ? 1_500 : 700;
    if (cluster.isStormy) crashHost(cluster, { host, downMs });
  });
}

/** From here on nothing is broken: what must come right has to come right. */
export function calm(cluster: Cluster): void {
  cluster.note("-- all is well from here --");
  cluster.network.calm();
  for (const { host, drive } of cluster.nodes.values()) {
    drive.syncMaxMs = 2;
    makeRoom(cluster, host.name);
    host.resume();
    host.start();
  }
}

function crash(cluster: Cluster, random: SeededRandom): void {
  const victims = random.chance(0.15)
    ? [...cluster.nodes.values()]
    : [pickNode(cluster, random)];
  for (const { host } of victims) {
    crashHost(cluster, { host, downMs: random.between({ from: 1, to: 600 }) });
  }
}

function crashHost(
  cluster: Cluster,
  fate: { host: Host; downMs: number },
): void {
  const { host, downMs } = fate;
  if (!host.isUp) return;
  cluster.note(`${host.name} crashes`);
  cluster.coverage.saw("crash");
  host.crash();
  cluster.events.after(downMs, () => {
    if (host.isUp) return;
    cluster.note(`${host.name} restarts`);
    cluster.coverage.saw("restart");
    host.start();
  });
}

function pause(cluster: Cluster, random: SeededRandom): void {
  const { host } = pickNode(cluster, random);
  if (!host.isUp || host.isPaused) return;
  cluster.note(`${host.name} is paused`);
  cluster.coverage.saw("pause");
  host.pause();
  cluster.events.after(random.between({ from: 20, to: 700 }), () => {
    cluster.note(`${host.name} goes on`);
    host.resume();
  });
}

/** Cuts the nodes in two sides, in one direction or both. */
function split(cluster: Cluster, random: SeededRandom): void {
  const names = [...cluster.nodes.keys()];
  const from = names.filter(() => random.chance(0.5));
  const to = names.filter((name) => !from.includes(name));
  const ways = random.chance(0.3) ? "one" : "both";
  const arrow = ways === "one" ? "-/->" : "<-/->";
  cluster.note(`partition ${from.join("")} ${arrow} ${to.join("")}`);
  cluster.coverage.saw(ways === "one" ? "one_way_partition" : "partition");
  cluster.network.split({ from, to, ways });
  cluster.events.after(random.between({ from: 50, to: 1_000 }), () => {
    cluster.note("the partition heals");
    cluster.network.heal();
  });
}

function slowDown(
  cluster: Cluster,
  options: { random: SeededRandom; syncMaxMs: number },
): void {
  const { random, syncMaxMs } = options;
  const { host, drive } = pickNode(cluster, random);
  cluster.note(`the disk of ${host.name} is slow`);
  cluster.coverage.saw("slow_disk");
  drive.syncMaxMs = SLOW_SYNC_MAX_MS;
  cluster.events.after(random.between({ from: 100, to: 1_500 }), () => {
    drive.syncMaxMs = Math.min(drive.syncMaxMs, syncMaxMs);
  });
}

function fill(cluster: Cluster, random: SeededRandom): void {
  const { host, node } = pickNode(cluster, random);
  cluster.note(`the disk of ${host.name} is full`);
  cluster.coverage.saw("full_disk");
  node.isDiskFull = true;
  cluster.events.after(random.between({ from: 50, to: 900 }), () => {
    makeRoom(cluster, host.name);
  });
}

function makeRoom(cluster: Cluster, name: string): void {
  const node = cluster.nodes.get(name)?.node;
  if (node === undefined || !node.isDiskFull) return;
  cluster.note(`the disk of ${name} has room`);
  node.isDiskFull = false;
  node.raft.writeRecovered();
}

function pickNode(cluster: Cluster, random: SeededRandom): SimNode {
  return random.pick([...cluster.nodes.values()]);
}
