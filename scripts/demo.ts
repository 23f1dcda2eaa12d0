// deno-lint-ignore-file no-console
/**
 * `deno task demo`: makes certificates, starts three agents, pipes a real file
 * in, kills the leader with -9 in the middle of a second one, and reads all of
 * it back from a survivor. Everything lives in a directory of its own that is
 * removed at the end; nothing outlives the demo.
 */
import { join } from "node:path";
import { freePort, until, Workspace } from "../tests/e2e/support/process.ts";

const LINES = 500_000;
const root = join(import.meta.dirname ?? ".", "..");

await Workspace.use(async (workspace) => {
  say("proglog certs init");
  const gossipPorts = [await freePort(), await freePort(), await freePort()];
  const seed = `127.0.0.1:${gossipPorts[0]}`;
  const agents = await Promise.all(gossipPorts.map((gossipPort, n) => {
    const join = n === 0 ? [] : ["--join", seed];
    say(["proglog agent --node-name", `node-${n + 1}`, ...join].join(" "));
    return workspace.agent({ name: `node-${n + 1}`, gossipPort, args: join });
  }));
  const addresses = agents.flatMap((agent) => agent.address);
  const servers = async () => {
    const listed = await workspace.run(["servers", "--json", ...addresses]);
    return listed.code === 0 ? JSON.parse(listed.stdout).servers : [];
  };
  await until(
    "three nodes are one cluster",
    async () => (await servers()).length === 3,
  );
  show(await workspace.run(["servers", ...addresses]));

  const file = await Deno.readTextFile(join(root, "README.md"));
  say("proglog produce < README.md");
  show(await workspace.run(["produce", ...addresses], { stdin: file }));

  const leader = (await servers()).find((one: { is_leader: boolean }) =>
    one.is_leader
  );
  const doomed = agents.find((agent) =>
    leader.rpc_addr.endsWith(`:${agent.rpcPort}`)
  );
  const survivors = agents.filter((agent) => agent !== doomed);
  const lines = Array.from({ length: LINES }, (_, n) => `line ${n}\n`).join("");
  say(`seq ${LINES} | proglog produce --json`);
  const producing = workspace.run(
    ["produce", "--json", "--timeout", "30s", ...addresses],
    { stdin: lines },
  );
  await until("the first lines are durable", async () => {
    const status = await workspace.run([
      "status",
      "--json",
      ...survivors.flatMap((agent) => agent.address),
    ]);
    return Number(JSON.parse(status.stdout).logs[0].next_offset) > 1_000;
  });
  say(`kill -9 the leader, ${leader.id}, in the middle of it`);
  await doomed?.end("SIGKILL");
  const produced = await producing;
  if (produced.code !== 0) throw new Error(produced.stderr);
  console.log("every line was acknowledged");

  const survivor = survivors[0]?.address ?? [];
  say("proglog consume");
  const consumed = await workspace.run(["consume", ...survivor]);
  if (consumed.stdout !== file + lines) {
    throw new Error(`what came back is not what went in: ${consumed.stderr}`);
  }
  show(await workspace.run(["servers", ...survivor]));
  console.log(
    `\n${
      consumed.stdout.split("\n").length - 1
    } lines came back, byte for byte, in order, once`,
  );
});

function say(command: string): void {
  console.log(`\n$ ${command}`);
}

function show(result: { stdout: string; stderr: string }): void {
  console.log((result.stdout + result.stderr).trimEnd());
}
