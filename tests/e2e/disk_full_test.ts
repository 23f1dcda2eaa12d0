import assert from "node:assert/strict";
import { Workspace } from "./support/process.ts";

const DISK_BYTES = 4 * 1024 * 1024;

Deno.test("a full disk refuses appends, serves reads, and takes appends again when there is room", async () => {
  await Workspace.use(async (workspace) => {
    const disk = workspace.path("disk");
    await Deno.mkdir(disk);
    if (!await mountSmallDisk(disk)) {
      console.log("SKIPPED: mount (tmpfs) is not permitted here");
      return;
    }
    try {
      await fillAndFree(workspace, disk);
    } finally {
      await new Deno.Command("umount", { args: ["-l", disk] }).output();
    }
  });
});

async function fillAndFree(workspace: Workspace, disk: string): Promise<void> {
  const ballast = `${disk}/ballast`;
  await Deno.writeFile(ballast, new Uint8Array(DISK_BYTES / 2));
  const agent = await workspace.agent({ dataDirectory: `${disk}/data` });
  const run = (args: string[], stdin?: string) =>
    workspace.run(
      [...args, "--timeout", "2s", ...agent.address],
      stdin === undefined ? {} : { stdin },
    );
  assert.equal((await run(["produce", "before"])).code, 0);

  const line = "x".repeat(999);
  const tooMuch = await run(["produce", "--json"], `${line}\n`.repeat(5_000));
  assert.equal(tooMuch.code, 1);
  assert.match(tooMuch.stderr, /No space|disk is full|ENOSPC/i);
  const status = await run(["status"]);
  assert.match(status.stdout, /appends are refused/);

  const read = await run(["consume"]);
  assert.equal(read.code, 0, read.stderr);
  const acknowledged = 1 +
    tooMuch.stdout.split("\n").filter((one) => one !== "")
      .map((one) => JSON.parse(one).count)
      .reduce((sum, count) => sum + count, 0);
  const there = read.stdout.split("\n").length - 1;
  assert.ok(there >= acknowledged, `${there} < ${acknowledged}`);

  await Deno.remove(ballast);
  const after = await workspace.run([
    "produce",
    "after",
    "--timeout",
    "20s",
    ...agent.address,
  ]);
  assert.equal(after.code, 0, after.stderr);
  assert.equal(after.stdout, `${there}\n`);
  await agent.end("SIGKILL");
  const restarted = await workspace.agent({ dataDirectory: `${disk}/data` });
  const last = await workspace.run([
    "consume",
    "--offset",
    "-1",
    ...restarted.address,
  ]);
  assert.equal(last.stdout, "after\n");
  await restarted.end("SIGTERM");
}

async function mountSmallDisk(directory: string): Promise<boolean> {
  const args = ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", directory];
  const { success } = await new Deno.Command("mount", { args }).output();
  return success;
}
