/**
 * The echo server as its own process, for tests and benchmarks that measure or
 * kill one: `echo_main.ts CERTIFICATE_DIRECTORY|insecure`. Prints its port, ends
 * when its stdin ends. "/test.v1.Echo/Idle" gives unused memory back to the
 * system (with --expose-gc) and answers how many connections are open.
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
  extraMethods: new Map([["/test.v1.Echo/Idle", {
    kind: "unary",
    handle: () => {
      collectGarbage();
      return new TextEncoder().encode(String(server.listener.connectionCount));
    },
  }]]),
});
process.stdout.write(`${server.port}\n`);
for await (const _chunk of Deno.stdin.readable);
await server.stop();

/** The allocator keeps freed pages for itself; only what is in use shall count. */
function collectGarbage(): void {
  const { gc } = globalThis as { gc?: () => void };
  gc?.();
  if (Deno.build.os !== "linux") return;
  const libc = Deno.dlopen("libc.so.6", {
    malloc_trim: { parameters: ["usize"], result: "i32" },
  });
  libc.symbols.malloc_trim(0n);
  libc.close();
}
