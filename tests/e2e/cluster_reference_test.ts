/**
 * The reference's tests of several nodes, by their names, and the defects of its
 * cluster that show on real processes only. Defect 3 is in
 * cluster_partition_test.ts, 12 in cluster_members_test.ts.
 */
import assert from "node:assert/strict";
import { Cluster } from "./support/cluster.ts";
import { until, Workspace } from "./support/process.ts";
import { readKept, readNode } from "./support/read_node.ts";

Deno.test("TestAgent: what is produced is consumed from leader and follower, and the next offset is out of range", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const leader = await cluster.leader();
    const [follower = ""] = cluster.others(leader);
    const { address } = cluster.agent(follower);
    const produced = await workspace.run(["produce", "foo", ...address]);
    assert.equal(produced.stdout, "0\n", produced.stderr);
    for (const name of cluster.names) {
      assert.deepEqual(await readNode(cluster, name), ["foo"], name);
    }
    const beyond = await workspace.run([
      "consume",
      "--offset",
      "2",
      ...address,
    ]);
    assert.equal(beyond.code, 1);
    assert.match(beyond.stderr, /offset out of range: 2/);
  });
});

Deno.test("TestMultipleNodes and TestMembership: records are on all nodes, servers and members follow one that leaves", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    await cluster.run("produce", "first", "second");
    for (const name of cluster.names) {
      assert.deepEqual(await readNode(cluster, name), ["first", "second"]);
    }
    const { servers } = JSON.parse(await cluster.run("servers", "--json"));
    assert.equal(servers.length, 3);
    const leading = servers.filter((one: { is_leader: boolean }) =>
      one.is_leader
    );
    assert.equal(leading.length, 1);
    assert.deepEqual(await statuses(cluster), ["alive", "alive", "alive"]);

    const leader = await cluster.leader();
    const [leaving = "", other = ""] = cluster.others(leader);
    assert.equal(await cluster.agent(leaving).end("SIGTERM"), 0);
    await until(
      `${leaving} has left`,
      async () => (await statuses(cluster)).join() === "alive,alive,left",
    );
    await cluster.run("remove", leaving);
    const left = JSON.parse(await cluster.run("servers", "--json"));
    assert.equal(left.servers.length, 2);
    assert.equal(await cluster.run("produce", "third"), "2\n");
    const all = ["first", "second", "third"];
    assert.deepEqual(await readNode(cluster, other), all);
  });
});

Deno.test("defect 11: a failed member stays a voter, and votes again when it is back", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const [failing = ""] = cluster.others(await cluster.leader());
    await cluster.agent(failing).end("SIGKILL");
    await until(
      `${failing} has failed`,
      async () => (await statuses(cluster)).join() === "alive,alive,failed",
    );
    await cluster.run("produce", "one");
    const leader = await cluster.leader(cluster.others(failing));
    const raft = (await cluster.log(leader))?.raft;
    assert.equal(raft?.fault_tolerance_left, 0);
    const voters = raft?.replicas.filter(({ role }) => role === "voter");
    assert.equal(voters?.length, 3);
    await cluster.launch(failing);
    assert.deepEqual(await readNode(cluster, failing), ["one"]);
    await cluster.untilVoters(cluster.names);
  });
});

Deno.test("defects 2 and 16: a follower behind the start of the log is reset to it under load, and restarts", async () => {
  await Workspace.use(async (workspace) => {
    const limits = ["--segment-bytes-max", "64KiB"];
    const kept = ["--retention-bytes", "256KiB"];
    const args = () => [...limits, ...kept];
    const cluster = await Cluster.start(workspace, { args });
    await cluster.run("produce", "first");
    const leader = await cluster.leader();
    const [behind = ""] = cluster.others(leader);
    await cluster.agent(behind).end("SIGKILL");
    const line = "x".repeat(999);
    const send = async (count: number) => {
      const options = { stdin: `${line}\n`.repeat(count) };
      const produce = ["produce", "--batch", "10", ...cluster.addresses];
      const { code, stderr } = await workspace.run(produce, options);
      assert.equal(code, 0, stderr);
    };
    await send(2_000);
    await until(
      "retention has dropped the start",
      async () => (await readKept(cluster, leader, "local")).lowestOffset > 1,
      60_000,
    );
    await Promise.all([cluster.launch(behind), send(2_000)]);
    await cluster.run("produce", "last");
    const expected = 4_002;
    for (let round = 0; round < 2; round++) {
      for (const name of cluster.names) {
        const { lowestOffset, values } = await readKept(cluster, name);
        assert.equal(lowestOffset + values.length, expected, name);
        assert.equal(values.pop(), "last", name);
        assert.ok(lowestOffset > 1 && values.every((one) => one === line));
      }
      await cluster.agent(behind).end("SIGKILL");
      await cluster.launch(behind);
    }
  });
});

/** What gossip says of the members, sorted. */
async function statuses(cluster: Cluster): Promise<string[]> {
  const { members } = JSON.parse(await cluster.run("members", "--json"));
  return members.map((one: { status: string }) => one.status).sort();
}
