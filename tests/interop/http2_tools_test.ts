/** h2load and curl: plain HTTP/2 programs against our server. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { frameMessage } from "../../net/grpc/framing.ts";
import { startChild } from "../support/child.ts";
import { makeTestCertificates } from "../support/test_certificates.ts";
import { startInteropServer } from "./interop_server.ts";
import { curl, h2load, here, testWith } from "./programs.ts";

async function run(command: string, args: string[]): Promise<string> {
  const { stdout, stderr, code } = await new Deno.Command(command, { args })
    .output();
  const text = new TextDecoder();
  assert.equal(code, 0, text.decode(stderr));
  return text.decode(stdout);
}

testWith(h2load(), "h2load gets every answer of 20,000 calls", async () => {
  const server = await startChild(Deno.execPath(), {
    args: ["run", "-A", join(here, "../support/echo_main.ts"), "insecure"],
  });
  const body = await Deno.makeTempFile();
  await Deno.writeFile(body, frameMessage(new Uint8Array(100)));
  const output = await run("h2load", [
    ...["-n", "20000", "-c", "10", "-m", "100", "-d", body],
    ...["-H", "content-type: application/grpc", "-H", "te: trailers"],
    `http://127.0.0.1:${server.port}/test.v1.Echo/Unary`,
  ]);
  assert.match(output, /20000 succeeded, 0 failed, 0 errored, 0 timeout/);
  assert.match(output, /status codes: 20000 2xx/);
  assert.equal((await server.stop()).code, 0);
  await Deno.remove(body);
});

testWith(
  curl(),
  "curl gets HTTP answers where it does not speak gRPC",
  async () => {
    const certificates = makeTestCertificates();
    const server = await startInteropServer({ tls: certificates.server });
    const file = (name: string) => join(certificates.directory, name);
    const status = (args: string[]) =>
      run("curl", [
        ...["--silent", "--http2", "--output", "/dev/null", "--max-time", "10"],
        ...["--write-out", "%{http_version} %{http_code}"],
        ...["--cacert", file("ca.pem"), "--cert", file("root-client.pem")],
        ...["--key", file("root-client-key.pem"), ...args],
        `https://localhost:${server.port}/test.v1.Echo/Unary`,
      ]);
    assert.equal(await status([]), "2 405");
    assert.equal(await status(["--data", "x"]), "2 415");
    const grpc = ["--header", "content-type: application/grpc"];
    assert.equal(await status(["--data", "x", ...grpc]), "2 200");
    await server.stop();
    certificates.remove();
  },
);
