import assert from "node:assert/strict";
import { type AgentProcess, until, Workspace } from "./support/process.ts";

const LINES = 1_000_000;

Deno.test("agent killed with -9 in the middle of a file: every acknowledged line comes back, in order, once", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent();
    const first = lines("first", LINES);
    const whole = await workspace.run(["produce", ...agent.address], {
      stdin: first,
    });
    assert.equal(whole.code, 0, whole.stderr);

    const acknowledged = await produceUntilKilled(workspace, agent);
    assert.ok(acknowledged > 0, "nothing was acknowledged before the kill");
    assert.ok(acknowledged < LINES, "the kill came after the end");

    const restarted = await workspace.agent({ rpcPort: agent.rpcPort });
    const read = await workspace.run(["consume", ...restarted.address]);
    assert.equal(read.code, 0, read.stderr);
    assert.ok(read.stdout.startsWith(first), "the first file is damaged");
    const second = read.stdout.slice(first.length);
    const count = second.split("\n").length - 1;
    assert.ok(count >= acknowledged, `${count} < ${acknowledged} lines`);
    assert.equal(second, lines("second", count));
  });
});

Deno.test("agent killed with -9 and restarted under a running produce: nothing is lost or doubled", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent();
    const input = lines("line", LINES);
    const producing = workspace.run(
      ["produce", "--timeout", "30s", ...agent.address],
      { stdin: input },
    );
    await until("a part is durable", async () => {
      const size = await dataSize(workspace.path("node1"));
      return size > 1_000_000;
    });
    await agent.end("SIGKILL");
    const restarted = await workspace.agent({ rpcPort: agent.rpcPort });
    const produced = await producing;
    assert.equal(produced.code, 0, produced.stderr);
    const read = await workspace.run(["consume", ...restarted.address]);
    assert.equal(read.stdout.length, input.length);
    assert.ok(read.stdout === input, "what came back is not what went in");
  });
});

/** How many lines of the second file were acknowledged. */
async function produceUntilKilled(
  workspace: Workspace,
  agent: AgentProcess,
): Promise<number> {
  const before = await dataSize(workspace.path("node1"));
  const producing = workspace.run(
    ["produce", "--json", "--timeout", "1s", ...agent.address],
    { stdin: lines("second", LINES) },
  );
  await until("the second file is on its way", async () => {
    return await dataSize(workspace.path("node1")) > before + 500_000;
  });
  await agent.end("SIGKILL");
  const { code, stdout, stderr } = await producing;
  assert.equal(code, 1, "produce must fail when its agent is gone");
  assert.match(stderr, /^proglog: .*refused.*proglog agent/s);
  return stdout.split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line).count as number)
    .reduce((sum, count) => sum + count, 0);
}

async function dataSize(directory: string): Promise<number> {
  const log = `${directory}/logs/default/log`;
  let size = 0;
  for await (const entry of Deno.readDir(log)) {
    size += (await Deno.stat(`${log}/${entry.name}`)).size;
  }
  return size;
}

function lines(prefix: string, count: number): string {
  const parts: string[] = [];
  for (let n = 0; n < count; n++) parts.push(`${prefix} ${n}\n`);
  return parts.join("");
}
