/**
 * The reference's tests of the server and the agent, by their names, against a
 * real agent with real certificates. Those of the service in process are in
 * tests/net/rpc/service_test.ts.
 */
import assert from "node:assert/strict";
import { readCertificateFiles } from "../../net/auth/certificate_files.ts";
import { checkHealth, SERVING } from "./support/health.ts";
import { Workspace } from "./support/process.ts";

Deno.test("TestServer/healthcheck: SERVING, also for nobody", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent();
    const tls = readCertificateFiles({
      certFile: workspace.path("config/nobody-client.pem"),
      keyFile: workspace.path("config/nobody-client-key.pem"),
      caFile: workspace.path("config/ca.pem"),
    });
    assert.equal(await checkHealth({ port: agent.rpcPort, tls }), SERVING);
  });
});

Deno.test("TestServer/unauthorized: nobody may neither produce nor consume", async () => {
  await Workspace.use(async (workspace) => {
    const agent = await workspace.agent();
    const nobody = [
      "--tls-cert-file",
      workspace.path("config/nobody-client.pem"),
      "--tls-key-file",
      workspace.path("config/nobody-client-key.pem"),
    ];
    for (const args of [["produce", "x"], ["consume"]]) {
      const result = await workspace.run([
        ...args,
        ...nobody,
        ...agent.address,
      ]);
      assert.equal(result.code, 1);
      assert.match(result.stderr, /nobody not permitted to (pro|con)[a-z]+ to/);
    }
  });
});

Deno.test("TestAgent on one node: what is produced is consumed, and the next offset is out of range", async () => {
  await Workspace.use(async (workspace) => {
    const { address } = await workspace.agent();
    const produced = await workspace.run(["produce", "foo", ...address]);
    assert.equal(produced.stdout, "0\n", produced.stderr);
    const consumed = await workspace.run(["consume", ...address]);
    assert.equal(consumed.stdout, "foo\n", consumed.stderr);
    const beyond = await workspace.run([
      "consume",
      "--offset",
      "2",
      ...address,
    ]);
    assert.equal(beyond.code, 1);
    assert.match(beyond.stderr, /offset out of range: 2/);
  });
});
