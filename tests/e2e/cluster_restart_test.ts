/**
 * Restarts of a whole cluster: all at once and without a flag, all under new
 * addresses, one after the other under load.
 */
import assert from "node:assert/strict";
import { Cluster } from "./support/cluster.ts";
import { checkHistory, Load } from "./support/load.ts";
import { until, Workspace } from "./support/process.ts";
import { readNode } from "./support/read_node.ts";

Deno.test("agents: after kill -9 of all at once they are a cluster again without any flag (defects 1 and 7)", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const load = new Load(cluster);
    for (let round = 0; round < 2; round++) {
      await load.untilAcknowledged(30);
      await Promise.all(
        cluster.names.map((name) => cluster.agent(name).end("SIGKILL")),
      );
      await Promise.all(cluster.names.map((name) => cluster.launch(name)));
    }
    await load.untilAcknowledged(30);
    await cluster.untilVoters(cluster.names);
    await load.check();
  });
});

Deno.test("agents: all come back under new addresses, and one seed is enough", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const values = Array.from({ length: 500 }, (_, n) => `${n}`);
    await cluster.run("produce", ...values);
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      await Promise.all(
        cluster.names.map((name) => cluster.agent(name).end(signal)),
      );
      await cluster.newPorts();
      const [first = "", ...others] = cluster.names;
      const join = ["--join", cluster.seed(first)];
      await Promise.all([
        cluster.launch(first),
        ...others.map((name) => cluster.launch(name, join)),
      ]);
      await cluster.run("produce", "--timeout", "30s", `after ${signal}`);
      values.push(`after ${signal}`);
    }
    await cluster.untilVoters(cluster.names);
    const expected = values.map((value, offset) => ({ value, offset }));
    for (const name of cluster.names) {
      checkHistory(await readNode(cluster, name), [expected]);
    }
    const expectedAddresses = cluster.names
      .map((name) => `127.0.0.1:${cluster.agent(name).rpcPort}`).sort();
    await until("the configuration has the new addresses", async () => {
      const raft = (await cluster.log(await cluster.leader()))?.raft;
      const known = raft?.replicas.map(({ address }) => address) ?? [];
      return known.sort().join() === expectedAddresses.join();
    });
  });
});

Deno.test("agents: a rolling restart by SIGTERM shows to no client", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const load = new Load(cluster);
    for (const name of cluster.names) {
      await load.untilAcknowledged(20);
      assert.equal(await cluster.agent(name).end("SIGTERM"), 0);
      await load.untilAcknowledged(10);
      await cluster.launch(name);
      await cluster.untilVoters(cluster.names);
    }
    await load.untilAcknowledged(20);
    await load.check();
  });
});

/** An election takes this long at least; its range ends at twice as much. */
const ELECTION_TIMEOUT_MS = 500;

Deno.test("agents: a leader that is stopped hands over before any client misses it", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const load = new Load(cluster);
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      await load.untilAcknowledged(50);
      const leader = await cluster.leader();
      const agent = cluster.agent(leader);
      const fromMs = performance.now();
      assert.equal(await agent.end(signal), 0);
      await load.untilAcknowledged(50);
      const gapMs = load.longestGapMs(fromMs);
      assert.match(agent.log, /handed leadership over/);
      assert.ok(
        gapMs < ELECTION_TIMEOUT_MS,
        `${signal}: no acknowledgement for ${gapMs.toFixed()} ms`,
      );
      await cluster.launch(leader);
      await cluster.untilVoters(cluster.names);
    }
    await load.check();
  });
});
