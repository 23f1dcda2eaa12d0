/** The listener with real sockets on loopback, and the words of its refusals. */
import assert from "node:assert/strict";
import net from "node:net";
import tls from "node:tls";
import { ProglogError } from "../../../core/errors.ts";
import { dialGrpc, type DialOptions } from "../../../net/grpc/dial.ts";
import { STATUS, StatusError } from "../../../net/grpc/status.ts";
import { createClock, createScheduler } from "../../../net/os/clock.ts";
import {
  listen,
  LISTENER_LIMITS,
  type ListenerOptions,
  type Refusal,
} from "../../../net/transport/listener.ts";
import {
  type AcceptedConnection,
  PROTOCOL_GRPC,
  PROTOCOL_RAFT,
  type TlsMaterial,
} from "../../../net/transport/types.ts";
import { identityOf } from "../../../net/auth/subject.ts";
import { startEchoServer } from "../../support/echo_server.ts";
import {
  makeTestCertificates,
  type TestCertificates,
} from "../../support/test_certificates.ts";

const clock = createClock();
const scheduler = createScheduler();
const text = (value: string) => new TextEncoder().encode(value);

function dialOptions(port: number, material?: TlsMaterial): DialOptions {
  return { host: "127.0.0.1", port, tls: material, clock, scheduler };
}

async function withCertificates(
  run: (certificates: TestCertificates) => Promise<void>,
): Promise<void> {
  const certificates = makeTestCertificates();
  try {
    await run(certificates);
  } finally {
    certificates.remove();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<ProglogError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof ProglogError, String(error));
    return error;
  }
  return assert.fail("there was no failure");
}

/** A listener that hands connections and refusals to the test. */
async function openPort(options: Partial<ListenerOptions>) {
  const accepted: { protocol: string; connection: AcceptedConnection }[] = [];
  const refused = Promise.withResolvers<Refusal>();
  const arrived = Promise.withResolvers<AcceptedConnection>();
  const handler = (protocol: string) => (connection: AcceptedConnection) => {
    accepted.push({ protocol, connection });
    arrived.resolve(connection);
    const { socket } = connection;
    socket.on("error", () => undefined);
    return {
      drain: () => void socket.end(),
      destroy: () => void socket.destroy(),
    };
  };
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
    protocols: new Map([
      [PROTOCOL_GRPC, handler(PROTOCOL_GRPC)],
      [PROTOCOL_RAFT, handler(PROTOCOL_RAFT)],
    ]),
    identify: identityOf,
    scheduler,
    onRefused: (refusal) => refused.resolve(refusal),
    ...options,
  });
  return {
    listener,
    accepted,
    refused: refused.promise,
    arrived: arrived.promise,
  };
}

Deno.test("listen() serves calls over mutual TLS and knows the subject", () =>
  withCertificates(async (certificates) => {
    const server = await startEchoServer({ tls: certificates.server });
    const link = await dialGrpc(dialOptions(server.port, certificates.root));
    const subject = await link.client.unary("/test.v1.Echo/Subject", text(""));
    assert.equal(new TextDecoder().decode(subject), "root");
    link.close();
    await server.stop();
  }));

Deno.test("listen() serves calls without TLS", async () => {
  const server = await startEchoServer({ tls: undefined });
  const link = await dialGrpc(dialOptions(server.port));
  const answer = await link.client.unary("/test.v1.Echo/Unary", text("a"));
  assert.deepEqual(new Uint8Array(answer), text("a"));
  link.close();
  await server.stop();
});

Deno.test("a client of another authority is refused, in words on both sides", () =>
  withCertificates((certificates) =>
    withCertificates(async (others) => {
      const server = await startEchoServer({ tls: certificates.server });
      const material = { ...others.root, ca: certificates.root.ca };
      const error = await failureOf(
        dialGrpc(dialOptions(server.port, material)),
      );
      assert.match(error.message, /may not trust our certificate/);
      await server.stop();
      assert.match(server.refusals[0]?.reason ?? "", /not signed by/);
      assert.match(server.refusals[0]?.address ?? "", /^127\.0\.0\.1:\d+$/);
    })
  ));

Deno.test("a server of another authority is refused, in words on both sides", () =>
  withCertificates((certificates) =>
    withCertificates(async (others) => {
      const server = await startEchoServer({ tls: certificates.server });
      const material = { ...certificates.root, ca: others.root.ca };
      const error = await failureOf(
        dialGrpc(dialOptions(server.port, material)),
      );
      assert.equal(error.code, "unauthenticated");
      assert.match(error.message, /not signed by the given authority/);
      await server.stop();
      assert.match(server.refusals[0]?.reason ?? "", /not trust this server/);
    })
  ));

Deno.test("a client without certificate is refused, in words on both sides", () =>
  withCertificates(async (certificates) => {
    const port = await openPort({ tls: certificates.server });
    const socket = tls.connect({
      host: "127.0.0.1",
      port: port.listener.port,
      servername: "localhost",
      ca: certificates.root.ca,
      ALPNProtocols: ["h2"],
    });
    socket.on("error", () => undefined);
    const refusal = await port.refused;
    assert.match(refusal.reason, /presented no certificate/);
    assert.equal(port.accepted.length, 0);
    socket.destroy();
    await port.listener.close({ drainMs: 0 });
  }));

Deno.test("ALPN picks the handler, and the identity comes with it", () =>
  withCertificates(async (certificates) => {
    const port = await openPort({ tls: certificates.server });
    const socket = tls.connect({
      host: "127.0.0.1",
      port: port.listener.port,
      servername: "localhost",
      ...certificates.root,
      ALPNProtocols: [PROTOCOL_RAFT],
    });
    socket.on("error", () => undefined);
    const { identity } = await port.arrived;
    assert.deepEqual(identity, { ok: true, subject: "root", role: "client" });
    assert.equal(port.accepted[0]?.protocol, PROTOCOL_RAFT);
    socket.destroy();
    await port.listener.close({ drainMs: 0 });
  }));

Deno.test("a client without ALPN is refused", () =>
  withCertificates(async (certificates) => {
    const port = await openPort({ tls: certificates.server });
    const socket = tls.connect({
      host: "127.0.0.1",
      port: port.listener.port,
      servername: "localhost",
      ...certificates.root,
    });
    socket.on("error", () => undefined);
    assert.match((await port.refused).reason, /no protocol by ALPN/);
    socket.destroy();
    await port.listener.close({ drainMs: 0 });
  }));

for (
  const [first, protocol, firstBytes] of [
    ["PRI *", PROTOCOL_GRPC, "PRI *"],
    ["\x01raft", PROTOCOL_RAFT, "raft"],
  ] as const
) {
  Deno.test(`without TLS the first byte of ${JSON.stringify(first)} means ${protocol}`, async () => {
    const port = await openPort({});
    const socket = net.connect(port.listener.port, "127.0.0.1");
    socket.write(first);
    const connection = await port.arrived;
    assert.equal(port.accepted[0]?.protocol, protocol);
    assert.equal(connection.identity, undefined);
    assert.deepEqual(new Uint8Array(connection.firstBytes), text(firstBytes));
    socket.destroy();
    await port.listener.close({ drainMs: 0 });
  });
}

for (
  const [name, first, reason] of [
    ["a TLS client", "\x16\x03\x01", /speaks TLS/],
    ["HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", /starts with byte 0x47/],
  ] as const
) {
  Deno.test(`without TLS ${name} is refused in words`, async () => {
    const port = await openPort({});
    const socket = net.connect(port.listener.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(first);
    assert.match((await port.refused).reason, reason);
    socket.destroy();
    await port.listener.close({ drainMs: 0 });
  });
}

Deno.test("a connection that says nothing is closed", async () => {
  const limits = { ...LISTENER_LIMITS, firstByteTimeoutMs: 20 };
  const port = await openPort({ limits });
  const socket = net.connect(port.listener.port, "127.0.0.1");
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  assert.match((await port.refused).reason, /no byte/);
  await closed;
  await port.listener.close({ drainMs: 0 });
});

Deno.test("a handshake that takes too long is given up", () =>
  withCertificates(async (certificates) => {
    const limits = { ...LISTENER_LIMITS, handshakeTimeoutMs: 20 };
    const port = await openPort({ tls: certificates.server, limits });
    const socket = net.connect(port.listener.port, "127.0.0.1");
    socket.on("error", () => undefined);
    assert.match((await port.refused).reason, /took too long/);
    socket.destroy();
    await port.listener.close({ drainMs: 0 });
  }));

Deno.test("connections over the limit are closed", async () => {
  const limits = { ...LISTENER_LIMITS, connectionsMax: 1 };
  const port = await openPort({ limits });
  const first = net.connect(port.listener.port, "127.0.0.1");
  first.write("PRI");
  await port.arrived;
  const second = net.connect(port.listener.port, "127.0.0.1");
  second.on("error", () => undefined);
  assert.match((await port.refused).reason, /1 connections are open/);
  assert.equal(port.listener.connectionCount, 1);
  first.destroy();
  second.destroy();
  await port.listener.close({ drainMs: 0 });
});

Deno.test("setSecureContext() counts for new connections", () =>
  withCertificates((old) =>
    withCertificates(async (next) => {
      const server = await startEchoServer({ tls: old.server });
      const before = await dialGrpc(dialOptions(server.port, old.root));
      server.listener.setSecureContext(next.server);
      const after = await dialGrpc(dialOptions(server.port, next.root));
      await failureOf(dialGrpc(dialOptions(server.port, old.root)));
      for (const { client } of [before, after]) {
        await client.unary("/test.v1.Echo/Unary", text("a"));
      }
      before.close();
      after.close();
      await server.stop();
    })
  ));

Deno.test("close() lets an open call end and tells the client to go", async () => {
  const go = Promise.withResolvers<Uint8Array>();
  const started = Promise.withResolvers<void>();
  const server = await startEchoServer({
    tls: undefined,
    extraMethods: new Map([["/t/Wait", {
      kind: "unary",
      handle: () => {
        started.resolve();
        return go.promise;
      },
    }]]),
  });
  const closed = Promise.withResolvers<void>();
  const link = await dialGrpc({
    ...dialOptions(server.port),
    onClosed: () => closed.resolve(),
  });
  const call = link.client.unary("/t/Wait", text(""));
  await started.promise;
  const stopped = server.listener.close({ drainMs: 10_000 });
  go.resolve(text("done"));
  assert.deepEqual(new Uint8Array(await call), text("done"));
  await stopped;
  await closed.promise;
  assert.equal(server.listener.connectionCount, 0);
  server.server.close();
});

Deno.test("close() destroys what has not ended by the deadline", async () => {
  const server = await startEchoServer({ tls: undefined });
  const link = await dialGrpc(dialOptions(server.port));
  const call = link.client.unary("/test.v1.Echo/Never", text(""));
  const failed = call.catch((error: unknown) => error);
  await link.client.unary("/test.v1.Echo/Unary", text(""));
  await server.listener.close({ drainMs: 10 });
  const error = await failed;
  assert.ok(error instanceof StatusError);
  assert.equal(error.code, STATUS.UNAVAILABLE);
  server.server.close();
});

Deno.test("listen() tells in words that the port is taken", async () => {
  const port = await openPort({});
  const error = await failureOf(openPort({ port: port.listener.port }));
  assert.match(error.message, /another process uses the port/);
  await port.listener.close({ drainMs: 0 });
});
