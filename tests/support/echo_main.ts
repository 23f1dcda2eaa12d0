/**
 * The echo server as its own process, for tests and benchmarks that measure or
 * kill one: `echo_main.ts CERTIFICATE_DIRECTORY|insecure`. Prints its port, ends
 * when its stdin ends.
 */
import process from "node:process";
import { startEchoServer } from "./echo_server.ts";
import { readTestCertificates } from "./test_certificates.ts";

const directory = Deno.args[0] ?? "insecure";
const server = await startEchoServer({
  tls: directory === "insecure"
    ? undefined
    : readTestCertificates(directory).server,
  messageSizeMaxBytes: 64 * 1024 * 1024,
});
process.stdout.write(`${server.port}\n`);
for await (const _line of Deno.stdin.readable);
await server.stop();
