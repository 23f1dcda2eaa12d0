import assert from "node:assert/strict";
import { DAY_MS, issueClientCertificate } from "../../net/auth/pki.ts";
import { until, Workspace } from "./support/process.ts";

Deno.test("a client without a certificate, with another CA's, or with an expired one is refused and told why", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent();
    const other = { CONFIG_DIR: workspace.path("other") };
    await workspace.run(["certs", "init"], { env: other });

    const stranger = await workspace.run([
      "servers",
      ...agent.address,
      "--tls-ca-file",
      workspace.path("config/ca.pem"),
    ], { env: other });
    assert.equal(stranger.code, 1);
    assert.match(stranger.stderr, /certificate/);
    await agent.untilLogged("refused a connection");

    const distrustful = await workspace.run(["servers", ...agent.address], {
      env: other,
    });
    assert.equal(distrustful.code, 1);
    assert.match(distrustful.stderr, /authority|signed|trust/);

    const plain = await workspace.run([
      "servers",
      "--insecure",
      ...agent.address,
    ]);
    assert.equal(plain.code, 1);

    issueClientCertificate({
      directory: workspace.path("config"),
      name: "late",
      validityDays: 1,
      nowMs: Date.now() - 2 * DAY_MS,
    });
    const late = await workspace.run([
      "servers",
      ...agent.address,
      "--tls-cert-file",
      workspace.path("config/late-client.pem"),
      "--tls-key-file",
      workspace.path("config/late-client-key.pem"),
    ]);
    assert.equal(late.code, 1);
    assert.match(late.stderr, /expired|certificate/);

    const alive = await workspace.run(["servers", ...agent.address]);
    assert.equal(alive.code, 0, alive.stderr);
  });
});

Deno.test("the policy file takes effect when it changes, and a broken one keeps the old", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent();
    const policy = workspace.path("config/policy.csv");
    const produce = async () =>
      (await workspace.run([
        "produce",
        "x",
        "--tls-cert-file",
        workspace.path("config/nobody-client.pem"),
        "--tls-key-file",
        workspace.path("config/nobody-client-key.pem"),
        ...agent.address,
      ])).code;
    assert.equal(await produce(), 1);
    const before = await Deno.readTextFile(policy);
    await Deno.writeTextFile(
      policy,
      `${before}\np, nobody, default, produce\n`,
    );
    await agent.untilLogged("took the new policy into use");
    assert.equal(await produce(), 0);
    await Deno.writeTextFile(policy, "p, nobody\n");
    await agent.untilLogged("kept the old policy");
    assert.equal(await produce(), 0);
  });
});

Deno.test("new certificate files are picked up without a restart", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent();
    assert.equal((await workspace.run(["servers", ...agent.address])).code, 0);
    await workspace.run(["certs", "init", "--force"]);
    await agent.untilLogged("took new certificates into use");
    await until("the new authority is in use", async () => {
      return (await workspace.run(["servers", ...agent.address])).code === 0;
    });
  });
});

Deno.test("an agent with --insecure serves everybody on this machine and says so", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent({ args: ["--insecure"] });
    assert.match(agent.log, /insecure: no encryption/);
    const run = (args: string[]) =>
      workspace.run([...args, "--insecure", ...agent.address]);
    assert.equal((await run(["produce", "plain"])).stdout, "0\n");
    assert.equal((await run(["consume"])).stdout, "plain\n");
    const { stdout } = await run(["status"]);
    assert.match(stdout, /security +none/);
  });
});
