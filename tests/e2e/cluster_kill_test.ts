/**
 * kill -9 of agents of a cluster under load: the leader, a follower, in turn and
 * again. Nothing acknowledged is lost, doubled or reordered, and no client hears
 * of it.
 */
import { Cluster } from "./support/cluster.ts";
import { Load } from "./support/load.ts";
import { Workspace } from "./support/process.ts";

const VICTIMS = [
  "leader",
  "follower",
  "leader",
  "leader",
  "follower",
  "leader",
] as const;

Deno.test("agents: kill -9 of leaders and followers under load loses nothing, doubles nothing and shows to no client", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const load = new Load(cluster);
    await load.untilAcknowledged(20);
    for (const kind of VICTIMS) {
      const leader = await cluster.leader();
      const victim = kind === "leader"
        ? leader
        : cluster.others(leader)[0] ?? "";
      await cluster.agent(victim).end("SIGKILL");
      await load.untilAcknowledged(20);
      await cluster.launch(victim);
      await load.untilAcknowledged(20);
    }
    await load.check();
  });
});

Deno.test("five agents: kill -9 of two at a time, the leader among them, loses nothing and doubles nothing", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace, { count: 5 });
    const load = new Load(cluster);
    await load.untilAcknowledged(20);
    for (let round = 0; round < 2; round++) {
      const leader = await cluster.leader();
      const victims = [leader, ...cluster.others(leader).slice(0, 1)];
      for (const victim of victims) {
        await cluster.agent(victim).end("SIGKILL");
      }
      await load.untilAcknowledged(20);
      for (const victim of victims) await cluster.launch(victim);
      await load.untilAcknowledged(20);
    }
    await load.check();
  });
});
