/**
 * Defects of the reference that show on one node, each as a test that it would
 * fail, on the real disk and through the command line. The numbers are those of
 * the project's list; those of the log alone are in
 * tests/core/log/reference_defects_test.ts.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type AgentProcess, Workspace } from "./support/process.ts";
import { checkHealth, SERVING } from "./support/health.ts";

Deno.test("defect 1: restarts, orderly and by kill -9, duplicate nothing", async () => {
  await Workspace.use(async (workspace) => {
    let agent = await workspace.agent();
    await run(workspace, ["produce", "a", "b", "c", ...agent.address]);
    for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
      agent = await restart(workspace, agent, signal);
      const { stdout } = await run(workspace, ["consume", ...agent.address]);
      assert.equal(stdout, "a\nb\nc\n");
    }
  });
});

Deno.test("defect 4: an acknowledged record outlives kill -9 right after its acknowledgement", async () => {
  await Workspace.use(async (workspace) => {
    let agent = await workspace.agent();
    const expected: string[] = [];
    for (const value of ["one", "two", "three"]) {
      const produced = await run(workspace, [
        "produce",
        value,
        ...agent.address,
      ]);
      assert.equal(produced.stdout, `${expected.length}\n`);
      expected.push(value);
      agent = await restart(workspace, agent, "SIGKILL");
      const { stdout } = await run(workspace, ["consume", ...agent.address]);
      assert.deepEqual(stdout.trimEnd().split("\n"), expected);
    }
  });
});

Deno.test("defect 5: an unclean stop with grown index files loses nothing and stops no append", async () => {
  await Workspace.use(async (workspace) => {
    const args = ["--segment-bytes-max", "16KiB"];
    const agent = await workspace.agent({ args });
    const input = Array.from({ length: 6_000 }, (_, n) => `line ${n}\n`);
    for (let from = 0; from < input.length; from += 2_000) {
      const part = input.slice(from, from + 2_000).join("");
      const options = { stdin: part };
      const sent = await workspace.run(["produce", ...agent.address], options);
      assert.equal(sent.code, 0, sent.stderr);
    }
    await agent.end("SIGKILL");
    const grown = growIndexFiles(workspace.path("node1/logs/default/log"));
    assert.ok(grown > 1, `${grown} index files`);
    const again = await workspace.agent({ args, rpcPort: agent.rpcPort });
    const next = await run(workspace, ["produce", "next", ...again.address]);
    assert.equal(next.stdout, `${input.length}\n`);
    const { stdout } = await run(workspace, ["consume", ...again.address]);
    assert.equal(stdout, `${input.join("")}next\n`);
  });
});

Deno.test("defect 7: --bootstrap on a node that has data starts as ever", async () => {
  await Workspace.use(async (workspace) => {
    const args = ["--bootstrap"];
    const agent = await workspace.agent({ args });
    await run(workspace, ["produce", "kept", ...agent.address]);
    await agent.end("SIGTERM");
    const again = await workspace.agent({ args });
    const { stdout } = await run(workspace, ["consume", ...again.address]);
    assert.equal(stdout, "kept\n");
  });
});

Deno.test("defect 8: the model that --acl-model-file names is the one in force", async () => {
  await Workspace.use(async (workspace) => {
    const shipped = Deno.readTextFileSync(workspace.path("config/model.conf"));
    const model = workspace.path("only_nobody.conf");
    const matcher = 'm = r.sub == "nobody"';
    Deno.writeTextFileSync(model, shipped.replace(/^m = .*$/m, matcher));
    const agent = await workspace.agent({ args: ["--acl-model-file", model] });
    const root = await workspace.run(["produce", "x", ...agent.address]);
    assert.match(root.stderr, /root not permitted to produce to default/);
    const nobody = clientFiles(workspace.path("config"), "nobody");
    await run(workspace, ["produce", "x", ...nobody, ...agent.address]);
  });
});

Deno.test("defect 9: TLS set up by flags alone works", async () => {
  await Workspace.use(async (workspace) => {
    const other = workspace.path("elsewhere");
    await workspace.run(["certs", "init"], { env: { CONFIG_DIR: other } });
    Deno.removeSync(workspace.path("config"), { recursive: true });
    const file = (name: string) => join(other, name);
    const agent = await workspace.agent({
      args: [
        ...["server", "peer"].flatMap((side) => [
          `--${side}-tls-cert-file`,
          file(`${side}.pem`),
          `--${side}-tls-key-file`,
          file(`${side}-key.pem`),
          `--${side}-tls-ca-file`,
          file("ca.pem"),
        ]),
        "--acl-model-file",
        file("model.conf"),
        "--acl-policy-file",
        file("policy.csv"),
        "--gossip-key-file",
        file("gossip.key"),
      ],
    });
    const client = [...clientFiles(other, "root"), ...agent.address];
    await run(workspace, ["produce", "by flags", ...client]);
    const { stdout } = await run(workspace, ["consume", ...client]);
    assert.equal(stdout, "by flags\n");
  });
});

Deno.test("defect 10: without TLS the health check and all calls work", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent({ args: ["--insecure"] });
    const health = await checkHealth({ port: agent.rpcPort });
    assert.equal(health, SERVING);
    const verbs = [["produce", "x"], ["consume"], ["servers"], ["status"]];
    for (const args of verbs) {
      await run(workspace, [...args, "--insecure", ...agent.address]);
    }
  });
});

Deno.test("defect 17: the data directory is not below a directory for temporary files", async () => {
  await Workspace.use(async (workspace) => {
    const env = { TMPDIR: workspace.directory };
    const { stdout } = await workspace.run(["agent", "--help"], { env });
    const help = stdout.replace(/\s+/g, " ");
    const directory = /--data-dir .*?\(default: "(.*?)"\)/.exec(help)?.[1];
    assert.equal(directory, join(Deno.env.get("HOME") ?? ".", ".proglog/data"));
  });
});

/** Runs a verb that must succeed. */
async function run(workspace: Workspace, args: string[]) {
  const result = await workspace.run(args);
  assert.equal(result.code, 0, result.stderr);
  return result;
}

async function restart(
  workspace: Workspace,
  agent: AgentProcess,
  signal: Deno.Signal,
): Promise<AgentProcess> {
  await agent.end(signal);
  return await workspace.agent({ rpcPort: agent.rpcPort });
}

function clientFiles(directory: string, name: string): string[] {
  return [
    "--tls-cert-file",
    join(directory, `${name}-client.pem`),
    "--tls-key-file",
    join(directory, `${name}-client-key.pem`),
    "--tls-ca-file",
    join(directory, "ca.pem"),
  ];
}

/** Zeros behind every index, as the reference's files have after a kill. */
function growIndexFiles(directory: string): number {
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name)
    .filter((name) => name.endsWith(".index"));
  for (const name of names) {
    const path = join(directory, name);
    Deno.truncateSync(path, Deno.statSync(path).size + 1_024);
  }
  return names.length;
}
