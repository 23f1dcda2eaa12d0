/**
 * What kills other HTTP/2 servers: thousands of short connections, clients that
 * die in mid-stream, readers that stop reading. The server runs in a process of
 * its own over mutual TLS; it must live, answer, and give its memory back.
 */
import assert from "node:assert/strict";
import tls, { type TLSSocket } from "node:tls";
import { dialGrpc, type GrpcLink } from "../../net/grpc/dial.ts";
import { frameMessage } from "../../net/grpc/framing.ts";
import {
  createClientConnection,
  defaultHttp2Limits,
} from "../../net/http2/mod.ts";
import { createClock, createScheduler } from "../../net/os/clock.ts";
import { type Child, startChild } from "../support/child.ts";
import {
  makeTestCertificates,
  type TestCertificates,
} from "../support/test_certificates.ts";
import { here } from "./programs.ts";

const CONNECTS = 5_000;
const CONNECTS_AT_ONCE = 50;
const KILLED_CLIENTS = 300;
const STALLED_READERS = 100;
const GROWTH_MAX_MIB = 50;
/** Each may hold its stream's queue and one write. */
const STALLED_MAX_MIB = 300;
const LARGE_STREAM = new TextEncoder().encode("100000 10000");
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const encode = (text: string) => new TextEncoder().encode(text);

interface Bench {
  readonly server: Child;
  readonly certificates: TestCertificates;
}

function connect({ server, certificates }: Bench): Promise<GrpcLink> {
  return dialGrpc({
    host: "127.0.0.1",
    port: server.port,
    tls: certificates.root,
    clock: createClock(),
    scheduler: createScheduler(),
  });
}

async function callOnce(bench: Bench): Promise<void> {
  const link = await connect(bench);
  const answer = await link.client.unary("/test.v1.Echo/Unary", encode("a"));
  assert.equal(answer.length, 1);
  link.close();
}

async function manyTimes(
  { count, atOnce }: { count: number; atOnce: number },
  run: () => Promise<void>,
): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Asks for a large stream; the socket is the caller's to kill or to leave unread. */
async function startStream(
  { server, certificates }: Bench,
): Promise<TLSSocket> {
  const socket = tls.connect({
    host: "127.0.0.1",
    port: server.port,
    servername: "localhost",
    ...certificates.root,
    ALPNProtocols: ["h2"],
  });
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("secureConnect", resolve));
  const machine = createClientConnection({
    limits: defaultHttp2Limits,
    nowMs: 0,
  });
  const streamId = machine.request([
    [":method", "POST"],
    [":scheme", "https"],
    [":path", "/test.v1.Echo/ServerStream"],
    [":authority", "test"],
    ["content-type", "application/grpc"],
    ["te", "trailers"],
  ], { endStream: false });
  assert.ok(streamId !== undefined);
  machine.sendData(streamId, frameMessage(LARGE_STREAM), { endStream: true });
  for (const bytes of machine.takeOutput()) socket.write(bytes);
  await new Promise((resolve) => socket.once("data", resolve));
  socket.pause();
  return socket;
}

const say = (line: string) => Deno.stderr.writeSync(encode(`${line}\n`));

function rssMiB(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** Memory in use once all other connections are gone. */
async function settledMiB(bench: Bench): Promise<number> {
  const link = await connect(bench);
  const idle = async () =>
    decode(await link.client.unary("/test.v1.Echo/Idle", encode("")));
  const deadlineMs = performance.now() + 20_000;
  while (await idle() !== "1") {
    assert.ok(performance.now() < deadlineMs, "connections are left over");
  }
  await idle();
  link.close();
  return rssMiB(bench.server.pid);
}

Deno.test({
  name: "a server lives through connects, kills and stalled readers",
  ignore: Deno.build.os !== "linux",
  fn: async (context) => {
    const certificates = makeTestCertificates();
    const server = await startChild(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--v8-flags=--expose-gc",
        `${here}../support/echo_main.ts`,
        certificates.directory,
      ],
    });
    const bench = { server, certificates };
    await manyTimes({ count: 1_000, atOnce: 20 }, () => callOnce(bench));
    const startMiB = await settledMiB(bench);
    const checkMemory = async () => {
      const nowMiB = await settledMiB(bench);
      say(`${nowMiB.toFixed(0)} MiB, at the start ${startMiB.toFixed(0)}`);
      assert.ok(nowMiB <= startMiB + GROWTH_MAX_MIB, `${nowMiB} MiB`);
    };

    await context.step(`${CONNECTS} connects and closes`, async () => {
      const load = { count: CONNECTS, atOnce: CONNECTS_AT_ONCE };
      await manyTimes(load, () => callOnce(bench));
      await checkMemory();
    });
    await context.step(
      `${KILLED_CLIENTS} clients killed in mid-stream`,
      async () => {
        await manyTimes({ count: KILLED_CLIENTS, atOnce: 20 }, async () => {
          (await startStream(bench)).destroy();
        });
        await callOnce(bench);
        await checkMemory();
      },
    );
    await context.step(
      `${STALLED_READERS} readers that stop reading`,
      async () => {
        const sockets: TLSSocket[] = [];
        await manyTimes({ count: STALLED_READERS, atOnce: 20 }, async () => {
          sockets.push(await startStream(bench));
        });
        await manyTimes({ count: 100, atOnce: 10 }, () => callOnce(bench));
        const stalledMiB = rssMiB(server.pid);
        say(`${stalledMiB.toFixed(0)} MiB while they stall`);
        assert.ok(stalledMiB < startMiB + STALLED_MAX_MIB, `${stalledMiB} MiB`);
        for (const socket of sockets) socket.destroy();
        await checkMemory();
      },
    );
    await callOnce(bench);
    const { code, signal } = await server.stop();
    assert.deepEqual({ code, signal }, { code: 0, signal: null });
    certificates.remove();
  },
});
