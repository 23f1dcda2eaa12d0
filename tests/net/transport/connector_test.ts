import assert from "node:assert/strict";
import net, { type AddressInfo } from "node:net";
import { ProglogError } from "../../../core/errors.ts";
import { initSecurityFiles } from "../../../net/auth/pki.ts";
import { dialGrpc } from "../../../net/grpc/dial.ts";
import { createClock, createScheduler } from "../../../net/os/clock.ts";
import type { TlsMaterial } from "../../../net/transport/types.ts";
import { socketFailure } from "../../../net/transport/connector.ts";
import { startEchoServer } from "../../support/echo_server.ts";
import {
  makeTestCertificates,
  readTestCertificates,
} from "../../support/test_certificates.ts";

async function messageOf(options: {
  port: number;
  host?: string;
  tls?: TlsMaterial;
  connectTimeoutMs?: number;
}): Promise<string> {
  try {
    const link = await dialGrpc({
      host: "127.0.0.1",
      tls: undefined,
      clock: createClock(),
      scheduler: createScheduler(),
      ...options,
    });
    link.close();
  } catch (error) {
    assert.ok(error instanceof ProglogError, String(error));
    return `${error.code}: ${error.message}`;
  }
  return "connected";
}

async function withTcpServer(
  onConnection: (socket: net.Socket) => void,
  run: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await run((server.address() as AddressInfo).port);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
}

Deno.test("connect() tells that nobody listens", async () => {
  let free = 0;
  await withTcpServer(() => undefined, async (port) => {
    free = await Promise.resolve(port);
  });
  assert.match(await messageOf({ port: free }), /unavailable: .*refused/);
});

Deno.test("connect() to what cannot be an address fails in words", async () => {
  assert.match(await messageOf({ port: 99_999 }), /^unavailable: .*:99999: /);
  const host = "a\u0000b";
  assert.match(await messageOf({ host, port: 80 }), /^unavailable: /);
});

Deno.test("connect() gives up on a server that does not answer", async () => {
  const certificates = makeTestCertificates();
  await withTcpServer(() => undefined, async (port) => {
    const tls = certificates.root;
    assert.match(
      await messageOf({ port, tls, connectTimeoutMs: 50 }),
      /no answer within 50 ms/,
    );
    assert.match(
      await messageOf({ port, connectTimeoutMs: 50 }),
      /does not answer in HTTP\/2/,
    );
  });
  certificates.remove();
});

Deno.test("connect() tells that a server does not speak TLS", async () => {
  const certificates = makeTestCertificates();
  await withTcpServer(
    (socket) => socket.end("HTTP/1.1 400 Bad\r\n\r\n"),
    async (port) => {
      const message = await messageOf({ port, tls: certificates.root });
      assert.match(message, /does not speak TLS/);
    },
  );
  certificates.remove();
});

Deno.test("connect() tells that a server hangs up", async () => {
  await withTcpServer((socket) => socket.destroy(), async (port) => {
    assert.match(await messageOf({ port }), /closed the connection/);
  });
});

Deno.test("connect() compares an address with the names in the certificate", async () => {
  const certificates = makeTestCertificates();
  const server = await startEchoServer({ tls: certificates.server });
  const options = { port: server.port, tls: certificates.root };
  const other = await startEchoServer({
    tls: certificates.server,
    host: "127.0.0.2",
  });
  assert.equal(await messageOf({ ...options, host: "127.0.0.1" }), "connected");
  assert.equal(await messageOf({ ...options, host: "localhost" }), "connected");
  assert.match(
    await messageOf({ ...options, host: "127.0.0.2", port: other.port }),
    /unauthenticated: .*does not name 127\.0\.0\.2/,
  );
  await server.stop();
  await other.stop();
  certificates.remove();
});

Deno.test("connect() tells that a certificate has expired", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "proglog_expired_" });
  initSecurityFiles({
    directory,
    nowMs: Date.now() - 40 * 86_400_000,
    validityDays: 30,
  });
  const expired = readTestCertificates(directory);
  const server = await startEchoServer({ tls: expired.server });
  assert.match(
    await messageOf({ port: server.port, tls: expired.root }),
    /unauthenticated: .*it has expired/,
  );
  await server.stop();
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("socketFailure() of a server that hangs up is no proof of distrust: a killed one does so, too", () => {
  for (const code of ["ECONNRESET", "EPIPE"]) {
    const error = Object.assign(new Error("gone"), { code });
    const failure = socketFailure({ host: "h", port: 1 }, error);
    assert.equal(failure.code, "unavailable");
    assert.match(failure.message, /may not trust our certificate/);
  }
  const alert = "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA";
  const refused = Object.assign(new Error("refused"), { code: alert });
  const failure = socketFailure({ host: "h", port: 1 }, refused);
  assert.equal(failure.code, "unauthenticated");
});
