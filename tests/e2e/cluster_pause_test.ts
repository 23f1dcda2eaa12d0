/**
 * Agents that stand still for seconds under load, as a machine that swaps or is
 * moved does: others go on, and the paused one follows when it runs again.
 */
import assert from "node:assert/strict";
import { Cluster } from "./support/cluster.ts";
import { Load } from "./support/load.ts";
import { until, Workspace } from "./support/process.ts";

Deno.test("agents: a leader that stands still is replaced, and follows when it runs again", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const load = new Load(cluster);
    await load.untilAcknowledged(20);
    const paused = await cluster.leader();
    cluster.agent(paused).kill("SIGSTOP");
    const next = await cluster.leader(cluster.others(paused));
    await load.untilAcknowledged(50);
    cluster.agent(paused).kill("SIGCONT");
    await until(`${paused} follows ${next}`, async () => {
      const raft = (await cluster.log(paused))?.raft;
      return raft?.role === "follower" && raft.leader_name === next;
    });
    await load.untilAcknowledged(20);
    await load.check();
  });
});

Deno.test("agents: a follower that stands still delays nobody, and catches up", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const load = new Load(cluster);
    await load.untilAcknowledged(20);
    const leader = await cluster.leader();
    const paused = cluster.others(leader)[0] ?? "";
    const term = (await cluster.log(leader))?.raft.term;
    cluster.agent(paused).kill("SIGSTOP");
    await load.untilAcknowledged(300);
    cluster.agent(paused).kill("SIGCONT");
    await load.untilAcknowledged(100);
    assert.equal((await cluster.log(leader))?.raft.term, term, "an election");
    await load.check();
  });
});
