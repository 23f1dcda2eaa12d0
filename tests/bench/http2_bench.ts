/**
 * Speed of the HTTP/2 machine alone: no sockets, no gRPC. Each role is fed with
 * bytes recorded from the other, so that it is timed by itself.
 *
 *   deno run -A tests/bench/http2_bench.ts [seconds per case, default 1]
 */
import {
  createClientConnection,
  createServerConnection,
  defaultHttp2Limits,
  type HeaderList,
  type Http2Connection,
} from "../../net/http2/mod.ts";
import {
  makeOpenPair,
  REQUEST_HEAD,
  RESPONSE_HEAD,
  TRAILERS,
} from "../net/http2/support/pair.ts";

const BATCH = 64;
const MESSAGE = new Uint8Array(64).fill(1);
const OPTIONS = { limits: benchLimits(), nowMs: 0 };

/** The floods of one interval would end a connection that never sees time pass. */
function benchLimits() {
  return { ...defaultHttp2Limits, windowUpdatesPerIntervalMax: 1e9 };
}

interface Result {
  readonly name: string;
  readonly countPerSecond: number;
  readonly microsecondsEach: number;
}

function report(name: string, count: number, elapsedMs: number): Result {
  const countPerSecond = count / elapsedMs * 1_000;
  return { name, countPerSecond, microsecondsEach: 1e6 / countPerSecond };
}

/** What a client writes for a batch of calls, twice: first heads differ from later ones. */
function askBatch(client: Http2Connection): Uint8Array {
  for (let call = 0; call < BATCH; call++) {
    const id = client.request(REQUEST_HEAD, { endStream: false })!;
    client.sendData(id, MESSAGE, { endStream: true });
  }
  return joined(client.takeOutput());
}

function answer(server: Http2Connection, streamId: number): void {
  server.sendHeaders(streamId, RESPONSE_HEAD, { endStream: false });
  server.sendData(streamId, MESSAGE, { endStream: false });
  server.sendHeaders(streamId, TRAILERS, { endStream: true });
}

function joined(buffers: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(buffers.flatMap((bytes) => [...bytes]));
}

/** Replaces the stream ids of a recorded batch, so that it can be sent again and again. */
function moveStreams(batch: Uint8Array, by: number): void {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  for (let at = 0; at < batch.length;) {
    const length = view.getUint16(at) * 256 + view.getUint8(at + 2);
    const id = view.getUint32(at + 5);
    if (id !== 0) view.setUint32(at + 5, id + by);
    at += 9 + length;
  }
}

function benchServer(seconds: number): Result {
  const client = createClientConnection(OPTIONS);
  const server = createServerConnection(OPTIONS);
  for (let round = 0; round < 3; round++) {
    for (const event of server.receive(askBatch(client), 0)) {
      if (event.kind === "headers") answer(server, event.streamId);
      if (event.kind === "data") {
        server.releaseCredit(event.streamId, event.creditBytes);
      }
    }
    client.receive(joined(server.takeOutput()), 0);
  }
  const batch = askBatch(client);
  let count = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < seconds * 1_000) {
    for (const event of server.receive(batch, 0)) {
      if (event.kind === "data") {
        server.releaseCredit(event.streamId, event.creditBytes);
        answer(server, event.streamId);
        count += 1;
      }
    }
    server.takeOutput();
    moveStreams(batch, 2 * BATCH);
    // Answers would run out of the client's window: it gives it back.
    server.receive(windowUpdate(BATCH * MESSAGE.length), 0);
  }
  return report("server: unary call", count, performance.now() - startMs);
}

function windowUpdate(increment: number): Uint8Array {
  const frame = Uint8Array.of(0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  new DataView(frame.buffer).setUint32(9, increment);
  return frame;
}

function benchRepeatedHeads(seconds: number): Result {
  return benchBoth("both roles: unary call", {
    seconds,
    head: () => REQUEST_HEAD,
  });
}

/** As gRPC clients with deadlines send it: a list per call, and one field is new. */
function benchChangingHeads(seconds: number): Result {
  let call = 0;
  const head = (): HeaderList => [
    ...REQUEST_HEAD,
    ["grpc-timeout", `${1_000_000 + call++}u`],
  ];
  return benchBoth("both roles: new deadline", { seconds, head });
}

function benchBoth(
  name: string,
  options: { seconds: number; head: () => HeaderList },
): Result {
  const { client, server } = makeOpenPair();
  const { seconds, head } = options;
  let count = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < seconds * 1_000) {
    for (let call = 0; call < BATCH; call++) {
      const id = client.request(head(), { endStream: false })!;
      client.sendData(id, MESSAGE, { endStream: true });
    }
    for (const bytes of client.takeOutput()) {
      for (const event of server.receive(bytes, startMs)) {
        if (event.kind !== "data") continue;
        server.releaseCredit(event.streamId, event.creditBytes);
        answer(server, event.streamId);
      }
    }
    for (const bytes of server.takeOutput()) {
      for (const event of client.receive(bytes, startMs)) {
        if (event.kind === "data") {
          client.releaseCredit(event.streamId, event.creditBytes);
        } else if (event.kind === "headers" && event.endStream) count += 1;
      }
    }
  }
  return report(name, count, performance.now() - startMs);
}

/** Megabytes per second of one stream, in messages of one MiB. */
function benchBulk(seconds: number): Result {
  const { client, server } = makeOpenPair();
  client.request(REQUEST_HEAD, { endStream: false });
  const message = new Uint8Array(1024 * 1024);
  let bytesSeen = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < seconds * 1_000) {
    client.sendData(1, message, { endStream: false });
    for (const bytes of client.takeOutput()) {
      for (const event of server.receive(bytes, startMs)) {
        if (event.kind !== "data") continue;
        server.releaseCredit(1, event.creditBytes);
        bytesSeen += event.creditBytes;
      }
    }
    for (const bytes of server.takeOutput()) client.receive(bytes, startMs);
  }
  return report(
    "both roles: MB moved",
    bytesSeen / 1e6,
    performance.now() - startMs,
  );
}

const seconds = Number(Deno.args[0] ?? 1);
const output = [
  `Deno ${Deno.version.deno}, ${Deno.build.target}, ${navigator.hardwareConcurrency} cores`,
];
for (
  const bench of [
    benchServer,
    benchRepeatedHeads,
    benchChangingHeads,
    benchBulk,
  ]
) {
  bench(seconds / 2); // warm
  const result = bench(seconds);
  const perSecond = Math.round(result.countPerSecond).toLocaleString("en");
  const each = result.microsecondsEach.toFixed(2);
  output.push(
    `${result.name.padEnd(24)} ${perSecond.padStart(12)}/s ${
      each.padStart(8)
    } us`,
  );
}
await Deno.stdout.write(new TextEncoder().encode(output.join("\n") + "\n"));
