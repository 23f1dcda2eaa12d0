// deno-lint-ignore-file no-console
/**
 * Agents and a stock Serf agent in one gossip cluster, encrypted with the key
 * of `certs init`: what each side shows of the other.
 */
import assert from "node:assert/strict";
import { hasSerf, SerfAgent } from "../support/serf_agent.ts";
import { type AgentProcess, until, Workspace } from "./support/process.ts";

const isThere = hasSerf();
if (!isThere) {
  console.error("SKIPPED: tests/e2e/gossip_test.ts needs `apt install serf`");
}

Deno.test({
  name:
    "`serf members` shows our agents with their rpc_addr, `proglog members` shows Serf's back, through failure and leave",
  ignore: !isThere,
  fn: () =>
    Workspace.use(async (workspace) => {
      const first = await workspace.agent({ name: "node1" });
      const second = await workspace.agent({
        name: "node2",
        args: ["--join", `127.0.0.1:${first.gossipPort}`],
      });
      const key = await Deno.readTextFile(workspace.path("config/gossip.key"));
      const serf = await SerfAgent.start({
        name: "stock",
        join: `127.0.0.1:${first.gossipPort}`,
        args: [`-encrypt=${key.trim()}`, "-tag=role=guest"],
      });
      try {
        await seeEachOther(workspace, { first, second, serf });
        await rotateKeys(workspace, first);
        await leaveAndFail(workspace, { first, second, serf });
      } finally {
        await serf.kill();
      }
    }),
});

interface Nodes {
  readonly first: AgentProcess;
  readonly second: AgentProcess;
  readonly serf: SerfAgent;
}

async function seeEachOther(
  workspace: Workspace,
  { first, second, serf }: Nodes,
): Promise<void> {
  for (const [name, agent] of [["node1", first], ["node2", second]] as const) {
    await until(`serf sees ${name}`, async () => {
      const members = await serf.members();
      const member = members.find((one) => one.name === name);
      return member?.status === "alive" &&
        member.tags["rpc_addr"] === `127.0.0.1:${agent.rpcPort}` &&
        member.addr === `127.0.0.1:${agent.gossipPort}`;
    });
  }
  await until("an agent sees serf", async () => {
    const stock = await memberOf(workspace, second, "stock");
    return stock?.status === "alive" && stock.tags["role"] === "guest";
  });
  // A guest is no replica: it never becomes a member of the log.
  const { stdout } = await workspace.run([
    "servers",
    "--json",
    ...first.address,
  ]);
  assert.ok(!stdout.includes("stock"), stdout);
}

async function rotateKeys(
  workspace: Workspace,
  agent: AgentProcess,
): Promise<void> {
  const run = async (...args: string[]) => {
    const result = await workspace.run([
      "gossip",
      "keys",
      ...args,
      ...agent.address,
    ]);
    assert.equal(result.code, 0, result.stderr);
    return result.stdout.trim();
  };
  const fresh = await run("add");
  await run("use", fresh);
  assert.match(await run("list"), /on 3 of 3 nodes, encrypts on 3/);
}

async function leaveAndFail(
  workspace: Workspace,
  { first, second, serf }: Nodes,
): Promise<void> {
  await second.end("SIGKILL");
  await until("a killed agent is failed on serf's side", async () => {
    return await serf.statusOf("node2") === "failed";
  });
  await until("and on ours", async () => {
    return (await memberOf(workspace, first, "node2"))?.status === "failed";
  });
  await serf.run("leave");
  await until("serf has left on our side", async () => {
    return (await memberOf(workspace, first, "stock"))?.status === "left";
  });
}

async function memberOf(
  workspace: Workspace,
  agent: AgentProcess,
  name: string,
): Promise<{ status: string; tags: Record<string, string> } | undefined> {
  const result = await workspace.run(["members", "--json", ...agent.address]);
  if (result.code !== 0) return undefined;
  const { members } = JSON.parse(result.stdout);
  return members.find((one: { name: string }) => one.name === name);
}
