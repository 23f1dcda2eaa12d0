/**
 * Agents whose network breaks, each in a namespace of its own: the leader cut
 * off, one link cut, packets lost and late. What was acknowledged is one history
 * on all nodes afterwards.
 */
import assert from "node:assert/strict";
import { Cluster } from "./support/cluster.ts";
import { Load } from "./support/load.ts";
import { Network, networkObstacle, tellSkipped } from "./support/network.ts";
import { until, Workspace } from "./support/process.ts";
import { readNode } from "./support/read_node.ts";

const FILE = "tests/e2e/cluster_partition_test.ts";
const NAMES = ["node-1", "node-2", "node-3"];
const LOSS_PERCENT = 10;
const DELAY_MS = 20;

const obstacle = networkObstacle(FILE);

partitionTest(
  "agents: a leader cut off from the majority acknowledges nothing more, the majority goes on, and one history is left (defect 3)",
  async (cluster, network) => {
    const load = new Load(cluster);
    await load.untilAcknowledged(20);
    const cutOff = await cluster.leader();
    const majority = cluster.others(cutOff);
    for (const other of majority) network.cut(cutOff, other);
    const [late, atOnce] = await Promise.all([
      cluster.leader(majority),
      produceInside(cluster, cutOff),
    ]);
    assert.notEqual(late, cutOff);
    assertRefused(atOnce);
    await load.untilAcknowledged(50);
    assertRefused(await produceInside(cluster, cutOff));
    assert.notEqual((await cluster.log(cutOff))?.raft.role, "leader");
    const seen = await readNode(cluster, cutOff, "local");

    network.heal();
    await until(
      `${cutOff} follows`,
      async () => (await cluster.log(cutOff))?.raft.leader_name === late,
    );
    await load.untilAcknowledged(20);
    const history = await load.check();
    assert.deepEqual(seen, history.slice(0, seen.length), "an older prefix");
  },
);

partitionTest(
  "agents: a follower cut off, from all or from the leader alone, comes back without an election",
  async (cluster, network) => {
    const load = new Load(cluster);
    await load.untilAcknowledged(20);
    const leader = await cluster.leader();
    const [cutOff = "", third = ""] = cluster.others(leader);
    const term = (await cluster.log(leader))?.raft.term;
    network.cut(leader, cutOff);
    await load.untilAcknowledged(200);
    network.cut(third, cutOff);
    await load.untilAcknowledged(200);
    network.heal();
    await load.untilAcknowledged(50);
    await load.check();
    const after = (await cluster.log(leader))?.raft;
    assert.deepEqual([after?.role, after?.term], ["leader", term]);
  },
);

partitionTest(
  "agents: lost and late packets slow a cluster down and cost nothing",
  async (cluster, network) => {
    const isLate = NAMES.map((name) => network.delay(name, DELAY_MS));
    if (isLate.includes(false)) tellSkipped(`${FILE}: delay: no netem in tc`);
    for (const name of NAMES) network.lose(name, LOSS_PERCENT);
    const load = new Load(cluster);
    await load.untilAcknowledged(100);
    network.heal();
    await load.check();
  },
);

/** A write by a client that reaches this one agent and no other. */
function produceInside(cluster: Cluster, name: string) {
  const { namespace = "" } = cluster.place(name);
  const { address } = cluster.agent(name);
  return cluster.workspace.run(
    ["produce", "--timeout", "3s", "never acknowledged", ...address],
    { namespace },
  );
}

function assertRefused(result: { code: number; stdout: string }): void {
  assert.deepEqual([result.code, result.stdout], [1, ""]);
}

function partitionTest(
  name: string,
  test: (cluster: Cluster, network: Network) => Promise<void>,
): void {
  Deno.test({
    name: obstacle === undefined ? name : `${name} (${obstacle})`,
    ignore: obstacle !== undefined,
    fn: () =>
      Network.use(NAMES, (network) =>
        Workspace.use(async (workspace) => {
          const hosts = network.hosts.flatMap((host) => ["--host", host]);
          const renewed = await workspace.run(["certs", "renew", ...hosts]);
          assert.equal(renewed.code, 0, renewed.stderr);
          const place = (name: string) => network.place(name);
          await test(await Cluster.start(workspace, { place }), network);
        })),
  });
}
