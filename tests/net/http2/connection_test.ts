/** Both roles against each other: calls, trailers, flow control, ends. */
import assert from "node:assert/strict";
import { CANCEL, NO_ERROR, REFUSED_STREAM } from "../../../net/http2/mod.ts";
import {
  bodyOf,
  makeOpenPair,
  makePair,
  REQUEST_HEAD,
  RESPONSE_HEAD,
  settle,
  TRAILERS,
} from "./support/pair.ts";
import { windowUpdateFrame } from "./support/wire.ts";

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, place) => place * 7 + (place >>> 8));
}

Deno.test("request() and sendHeaders() carry a unary call with trailers", () => {
  const pair = makePair();
  const id = pair.client.request(REQUEST_HEAD, { endStream: false });
  assert.equal(id, 1);
  pair.client.sendData(1, pattern(100), { endStream: true });
  const asked = settle(pair).server;
  assert.deepEqual(asked, [
    { kind: "settings", concurrentStreamsMax: 2 ** 32 - 1 },
    { kind: "headers", streamId: 1, headers: REQUEST_HEAD, endStream: false },
    {
      kind: "data",
      streamId: 1,
      bytes: pattern(100),
      creditBytes: 100,
      endStream: true,
    },
  ]);
  pair.server.sendHeaders(1, RESPONSE_HEAD, { endStream: false });
  pair.server.sendData(1, pattern(50), { endStream: false });
  pair.server.sendHeaders(1, TRAILERS, { endStream: true });
  const answered = settle(pair).client;
  assert.deepEqual(answered, [
    { kind: "headers", streamId: 1, headers: RESPONSE_HEAD, endStream: false },
    {
      kind: "data",
      streamId: 1,
      bytes: pattern(50),
      creditBytes: 50,
      endStream: false,
    },
    { kind: "headers", streamId: 1, headers: TRAILERS, endStream: true },
  ]);
  assert.equal(pair.client.openStreamCount, 0);
  assert.equal(pair.server.openStreamCount, 0);
});

Deno.test("sendData() stops at the window and goes on with the credit", () => {
  const limits = { streamWindowBytes: 100_000, streamQueueHighBytes: 1_000 };
  const pair = makeOpenPair({ client: limits, server: limits });
  pair.client.request(REQUEST_HEAD, { endStream: false });
  const body = pattern(250_000);
  assert.equal(pair.client.sendData(1, body, { endStream: true }), false);
  const first = settle(pair);
  assert.equal(bodyOf(first.server).length, 100_000);
  assert.equal(pair.client.queuedBytes, 150_000);
  pair.server.releaseCredit(1, 100_000);
  const second = settle(pair);
  assert.equal(bodyOf(second.server).length, 100_000);
  pair.server.releaseCredit(1, 100_000);
  const third = settle(pair);
  const events = [...first.server, ...second.server, ...third.server];
  assert.deepEqual(bodyOf(events), body);
  const last = events.at(-1)!;
  assert.ok(last.kind === "data" && last.endStream);
  assert.equal(pair.client.queuedBytes, 0);
});

Deno.test("sendData() answers false over the high mark and emits writable below the low one", () => {
  const limits = {
    streamWindowBytes: 70_000,
    streamQueueHighBytes: 10_000,
    streamQueueLowBytes: 5_000,
  };
  const pair = makeOpenPair({ client: limits, server: limits });
  pair.client.request(REQUEST_HEAD, { endStream: false });
  const send = (bytes: number) =>
    pair.client.sendData(1, pattern(bytes), { endStream: false });
  assert.equal(send(74_000), false);
  assert.deepEqual(settle(pair).client, [{ kind: "writable", streamId: 1 }]);
  assert.equal(send(6_000), true);
  assert.equal(send(1_000), false);
  assert.deepEqual(settle(pair).client, []);
  pair.server.releaseCredit(1, 70_000);
  assert.deepEqual(settle(pair).client, [{ kind: "writable", streamId: 1 }]);
});

Deno.test("sendHeaders() keeps trailers behind queued data", () => {
  const pair = makeOpenPair({ client: { streamWindowBytes: 1_000 } });
  pair.client.request(REQUEST_HEAD, { endStream: true });
  settle(pair);
  pair.server.sendHeaders(1, RESPONSE_HEAD, { endStream: false });
  pair.server.sendData(1, pattern(1_500), { endStream: false });
  pair.server.sendHeaders(1, TRAILERS, { endStream: true });
  const first = settle(pair).client;
  assert.deepEqual(first.map((event) => event.kind), ["headers", "data"]);
  pair.client.releaseCredit(1, 1_000);
  const second = settle(pair).client;
  assert.deepEqual(second.map((event) => event.kind), ["data", "headers"]);
  assert.equal(pair.server.openStreamCount, 0);
});

Deno.test("reset() closes the stream on both sides and gives its credit back", () => {
  const limits = { connectionWindowBytes: 65_535, streamWindowBytes: 65_535 };
  const pair = makeOpenPair({ client: limits, server: limits });
  for (let call = 0; call < 10; call++) {
    const id = pair.client.request(REQUEST_HEAD, { endStream: false })!;
    pair.client.sendData(id, pattern(60_000), { endStream: false });
    assert.equal(bodyOf(settle(pair).server).length, 60_000);
    pair.client.reset(id, CANCEL);
    assert.deepEqual(settle(pair).server, [
      { kind: "reset", streamId: id, errorCode: CANCEL },
    ]);
  }
  assert.equal(pair.server.openStreamCount, 0);
});

Deno.test("goAway() lets open streams end, refuses new ones, then is done", () => {
  const pair = makeOpenPair();
  pair.client.request(REQUEST_HEAD, { endStream: true });
  settle(pair);
  pair.client.request(REQUEST_HEAD, { endStream: true }); // crosses the GOAWAY
  pair.server.goAway(NO_ERROR, "bye");
  assert.equal(pair.server.isDone, false);
  const seen = settle(pair);
  assert.deepEqual(seen.server, []);
  assert.deepEqual(seen.client, [
    { kind: "goaway", lastStreamId: 1, errorCode: NO_ERROR, debug: "bye" },
    { kind: "reset", streamId: 3, errorCode: REFUSED_STREAM },
  ]);
  assert.equal(
    pair.client.request(REQUEST_HEAD, { endStream: true }),
    undefined,
  );
  pair.server.sendHeaders(1, RESPONSE_HEAD, { endStream: true });
  settle(pair);
  assert.equal(pair.server.isDone, true);
  assert.equal(pair.client.openStreamCount, 0);
});

Deno.test("ping() comes back as ping_acknowledged with its payload", () => {
  const pair = makeOpenPair();
  pair.client.ping(2 ** 53 - 1);
  pair.server.ping(7);
  assert.deepEqual(settle(pair), {
    client: [{ kind: "ping_acknowledged", payload: 2 ** 53 - 1 }],
    server: [{ kind: "ping_acknowledged", payload: 7 }],
  });
});

Deno.test("takeOutput() joins every turn of small answers in one buffer", () => {
  const pair = makeOpenPair();
  for (let turn = 0; turn < 50; turn++) {
    const ids = Array.from(
      { length: 64 },
      () => pair.client.request(REQUEST_HEAD, { endStream: true })!,
    );
    settle(pair);
    for (const id of ids) {
      pair.server.sendHeaders(id, RESPONSE_HEAD, { endStream: false });
      pair.server.sendData(id, pattern(64), { endStream: false });
      pair.server.sendHeaders(id, TRAILERS, { endStream: true });
    }
    const output = pair.server.takeOutput();
    assert.equal(output.length, 1);
    for (const event of pair.client.receive(output[0]!, 0)) {
      if (event.kind !== "data") continue;
      pair.client.releaseCredit(event.streamId, event.creditBytes);
    }
  }
});

Deno.test("releaseCredit() counts for streams that ended while their data was held", () => {
  const limits = { connectionWindowBytes: 65_535, streamWindowBytes: 65_535 };
  const pair = makeOpenPair({ client: limits, server: limits });
  const call = () => {
    const id = pair.client.request(REQUEST_HEAD, { endStream: true })!;
    settle(pair);
    pair.server.sendHeaders(id, RESPONSE_HEAD, { endStream: false });
    pair.server.sendData(id, pattern(40_000), { endStream: true });
    return { id, got: bodyOf(settle(pair).client).length };
  };
  assert.deepEqual(call(), { id: 1, got: 40_000 });
  assert.deepEqual(call(), { id: 3, got: 25_535 });
  pair.client.releaseCredit(1, 10_000);
  pair.client.releaseCredit(1, 30_000);
  pair.client.releaseCredit(1, 30_000); // was given back already
  assert.equal(bodyOf(settle(pair).client).length, 14_465);
  assert.equal(pair.client.openStreamCount, 0);
  assert.deepEqual(call(), { id: 5, got: 25_535 });
});

Deno.test("sendData() answers false while all queues together are over their mark", () => {
  const limits = {
    streamWindowBytes: 65_535,
    connectionWindowBytes: 65_535,
    connectionQueueHighBytes: 10_000,
    connectionQueueLowBytes: 5_000,
  };
  const pair = makeOpenPair({ client: limits, server: limits });
  const open = () => pair.client.request(REQUEST_HEAD, { endStream: false })!;
  const [first, second, third] = [open(), open(), open()];
  const send = (id: number, bytes: number) =>
    pair.client.sendData(id, pattern(bytes), { endStream: false });
  assert.equal(send(first, 65_535), true);
  settle(pair);
  assert.equal(send(second, 8_000), true);
  assert.equal(send(third, 3_000), false);
  // The peer opens the connection window by bits: 6,000, then the rest is sent.
  pair.client.receive(windowUpdateFrame(0, 5_000), 0);
  settle(pair);
  assert.equal(pair.client.queuedBytes, 6_000);
  assert.deepEqual(settle(pair).client, []);
  pair.client.receive(windowUpdateFrame(0, 2_000), 0);
  assert.deepEqual(settle(pair).client, [
    { kind: "writable", streamId: third },
  ]);
});

Deno.test("reset() of a full queue makes the others writable", () => {
  const limits = {
    connectionQueueHighBytes: 10_000,
    connectionQueueLowBytes: 5_000,
  };
  const pair = makeOpenPair({
    client: limits,
    server: { streamWindowBytes: 0 },
  });
  const open = () => pair.client.request(REQUEST_HEAD, { endStream: false })!;
  const [first, second] = [open(), open()];
  const send = (id: number, bytes: number) =>
    pair.client.sendData(id, pattern(bytes), { endStream: false });
  assert.equal(send(first, 9_000), true);
  assert.equal(send(second, 2_000), false);
  pair.client.reset(first, CANCEL);
  assert.deepEqual(settle(pair).client, [{
    kind: "writable",
    streamId: second,
  }]);
});
