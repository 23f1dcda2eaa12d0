/**
 * A disk of the cluster that is full: leadership leaves it, writes go on, the
 * node says so, and catches up when there is room.
 */
import assert from "node:assert/strict";
import { Cluster } from "./support/cluster.ts";
import { Load } from "./support/load.ts";
import { mountSmallDisk, unmount } from "./support/small_disk.ts";
import { until, Workspace } from "./support/process.ts";

const DISK_BYTES = 4 * 1024 * 1024;
const SMALL = "node-1";

Deno.test("agents: a full disk costs the leader its place and a follower its votes, until there is room", async () => {
  await Workspace.use(async (workspace) => {
    const disk = workspace.path("disk");
    await Deno.mkdir(disk);
    if (!await mountSmallDisk(disk, DISK_BYTES)) return;
    try {
      await fillLeaderThenFollower(workspace, disk);
    } finally {
      await unmount(disk);
    }
  });
});

async function fillLeaderThenFollower(workspace: Workspace, disk: string) {
  const cluster = await Cluster.start(workspace, {
    dataDirectory: (name) =>
      name === SMALL ? `${disk}/data` : workspace.path(name),
  });
  const load = new Load(cluster);
  await load.untilAcknowledged(20);
  assert.equal(await cluster.leader(), SMALL);
  fill(`${disk}/ballast`);
  await cluster.leader(cluster.others(SMALL));
  await load.untilAcknowledged(100);
  await untilBlocked(cluster, /full|space/i);
  await Deno.remove(`${disk}/ballast`);
  await untilBlocked(cluster, /^$/);
  await load.untilAcknowledged(50);

  fill(`${disk}/ballast`);
  await untilBlocked(cluster, /full|space/i);
  await load.untilAcknowledged(100);
  await Deno.remove(`${disk}/ballast`);
  await untilBlocked(cluster, /^$/);
  await load.check();
  for (const name of cluster.names) await cluster.agent(name).end("SIGKILL");
}

async function untilBlocked(cluster: Cluster, reason: RegExp): Promise<void> {
  let last: string | undefined;
  try {
    await until(`${SMALL} says ${reason}`, async () => {
      last = (await cluster.log(SMALL))?.append_blocked;
      return last !== undefined && reason.test(last);
    });
  } catch (cause) {
    throw new Error(`The node said "${last}"`, { cause });
  }
}

/** Writes until the disk takes no more. */
function fill(path: string): void {
  const block = new Uint8Array(4096);
  using file = Deno.openSync(path, { create: true, write: true, append: true });
  try {
    for (;;) file.writeSync(block);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("os error 28"))) {
      throw error;
    }
  }
}
