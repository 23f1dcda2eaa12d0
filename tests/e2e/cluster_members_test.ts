/**
 * Nodes that come, go and are exchanged: a wiped node, removal by an operator,
 * handing over leadership, symmetric starts, two nodes of one name.
 */
import assert from "node:assert/strict";
import { Cluster } from "./support/cluster.ts";
import { Load } from "./support/load.ts";
import { freePort, until, Workspace } from "./support/process.ts";

Deno.test("agents: a wiped node comes back as a learner under a new identity and becomes a voter (defect 12)", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const load = new Load(cluster);
    await load.untilAcknowledged(20);
    const leader = await cluster.leader();
    const wiped = cluster.others(leader)[0] ?? "";
    const before = await identities(cluster);
    await cluster.agent(wiped).end("SIGKILL");
    await Deno.remove(cluster.dataDirectory(wiped), { recursive: true });
    await load.untilAcknowledged(20);
    await cluster.launch(wiped, ["--join", cluster.seed(leader)]);
    await until(`${wiped} votes under a new identity`, async () => {
      const after = await identities(cluster);
      return after.size === 3 && after.get(wiped) !== before.get(wiped);
    });
    await cluster.untilVoters(cluster.names);
    const after = await identities(cluster);
    assert.notEqual(after.get(wiped), before.get(wiped));
    for (const name of cluster.others(wiped)) {
      assert.equal(after.get(name), before.get(name), name);
    }
    const changes = cluster.names.map((name) => cluster.agent(name).log).join();
    assert.match(changes, new RegExp(`taken over the place of ${wiped}`));
    assert.match(changes, new RegExp(`node ${wiped} has joined`));
    await load.check();
  });
});

Deno.test("remove: shows what would happen, refuses what costs the quorum, removes a dead node", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const leader = await cluster.leader();
    const [alive = "", dead = ""] = cluster.others(leader);
    await cluster.run("produce", "before");
    await cluster.agent(dead).end("SIGKILL");
    const remove = (...args: string[]) =>
      workspace.run(["remove", "--json", ...args, ...cluster.addresses]);
    const plan = async (name: string) =>
      JSON.parse((await remove(name, "--dry-run")).stdout);
    const voters = cluster.others(dead).sort();
    await until(
      `${dead} is not reachable`,
      async () => (await plan(dead)).before.reachable === 2,
    );

    const dry = await plan(dead);
    assert.equal(dry.removed, false);
    assert.equal(dry.refusal, null);
    assert.deepEqual(dry.before.voters.toSorted(), [...cluster.names]);
    assert.deepEqual(dry.after.voters.toSorted(), voters);
    assert.match(
      (await plan(alive)).refusal,
      /of the 2 voters left only 1 can be reached/,
    );
    const refused = await remove(alive);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /of the 2 voters left only 1 can be reached/);
    assert.equal((await identities(cluster)).size, 3);

    const done = await remove(dead);
    assert.equal(done.code, 0, done.stderr);
    assert.equal(JSON.parse(done.stdout).removed, true);
    await until(
      `the voters are ${voters}`,
      async () =>
        [...(await identities(cluster)).keys()].sort().join() === voters.join(),
    );
    assert.equal(await cluster.run("produce", "after"), "1\n");
    assert.equal(await cluster.run("consume"), "before\nafter\n");
  });
});

Deno.test("transfer-leader: moves leadership under load, to the node that is named", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const load = new Load(cluster);
    for (const name of [...cluster.names].reverse()) {
      await load.untilAcknowledged(20);
      const said = await cluster.run("transfer-leader", "--to", name);
      assert.equal(said, `${name} leads now\n`);
      assert.equal(await cluster.leader(), name);
    }
    await load.check();
  });
});

Deno.test("agents: --bootstrap-expect 3 on three equals founds one cluster, and a second node of a name is told by both", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.prepare(workspace);
    const seeds = cluster.names.flatMap((name) => [
      "--join",
      cluster.seed(name),
    ]);
    const args = ["--bootstrap-expect", "3", ...seeds];
    await Promise.all(cluster.names.map((name) => cluster.launch(name, args)));
    await cluster.untilVoters(cluster.names);
    const founded = cluster.names.filter((name) =>
      cluster.agent(name).log.includes("founded a cluster")
    );
    assert.equal(founded.length, 1, `${founded} founded`);
    assert.equal(await cluster.run("produce", "one"), "0\n");

    const [name = ""] = cluster.names;
    const impostor = await workspace.agent({
      name,
      dataDirectory: workspace.path("impostor"),
      gossipPort: await freePort(),
      args: ["--join", cluster.seed("node-2")],
    });
    const words = "another node uses this node's name";
    await impostor.untilLogged(words);
    await cluster.agent(name).untilLogged(words);
    await cluster.untilVoters(cluster.names);
    assert.equal(await cluster.run("consume"), "one\n");
  });
});

/** Node ids of the members by name, as the leader has them. */
async function identities(cluster: Cluster): Promise<Map<string, string>> {
  const names = cluster.names;
  for (const name of names) {
    const log = await cluster.log(name);
    if (!log?.raft.is_leader) continue;
    return new Map(log.raft.replicas.map((one) => [one.name, one.id]));
  }
  return new Map();
}
