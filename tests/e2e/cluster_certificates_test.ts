/**
 * Certificates that are exchanged while a cluster serves: no write fails, and
 * nodes that connect anew do so with the new ones.
 */
import { Cluster } from "./support/cluster.ts";
import { Load } from "./support/load.ts";
import { until, Workspace } from "./support/process.ts";

Deno.test("agents: certs renew under load fails no write, and new connections work", async () => {
  await Workspace.use(async (workspace) => {
    const cluster = await Cluster.start(workspace);
    const load = new Load(cluster);
    for (let round = 0; round < 2; round++) {
      await load.untilAcknowledged(20);
      const taken = cluster.names.map((name) => takenCount(cluster, name));
      const renewed = await workspace.run(["certs", "renew"]);
      if (renewed.code !== 0) throw new Error(renewed.stderr);
      for (const [n, name] of cluster.names.entries()) {
        await until(
          `${name} took both certificates`,
          () => takenCount(cluster, name) >= (taken[n] ?? 0) + 2,
        );
      }
      await load.untilAcknowledged(50);
    }
    const leader = await cluster.leader();
    await cluster.agent(leader).end("SIGKILL");
    await load.untilAcknowledged(20);
    await cluster.launch(leader);
    await cluster.untilVoters(cluster.names);
    await load.check();
  });
});

function takenCount(cluster: Cluster, name: string): number {
  return cluster.agent(name).log.split("took new certificates").length - 1;
}
