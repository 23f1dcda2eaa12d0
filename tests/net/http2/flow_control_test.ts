/** Windows and credit, frame by frame (RFC 9113 sections 5.2 and 6.9). */
import assert from "node:assert/strict";
import {
  type HeaderList,
  type Http2Connection,
} from "../../../net/http2/mod.ts";
import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PADDED,
  WINDOW_UPDATE,
} from "../../../net/http2/frame.ts";
import { REQUEST_HEAD, RESPONSE_HEAD } from "./support/pair.ts";
import {
  BOTH_ENDS,
  FINE,
  makeServer,
  OPEN,
  OPEN_AND_ENDED,
} from "./support/rules.ts";
import {
  concat,
  dataFrame,
  headersFrame,
  settingsFrame,
  takeFrames,
  u32,
  verdictOf,
  windowUpdateFrame,
} from "./support/wire.ts";

Deno.test("receive() lets SETTINGS push stream windows below zero, and WINDOW_UPDATE back", () => {
  const server = makeServer();
  server.receive(OPEN_AND_ENDED, 0);
  server.sendHeaders(1, RESPONSE_HEAD, { endStream: false });
  server.sendData(1, new Uint8Array(60_000), { endStream: false });
  server.takeOutput();
  server.receive(settingsFrame([[4, 10_000]]), 0); // 5,535 left, now 49,990 below
  server.sendData(1, new Uint8Array(100), { endStream: true });
  const dataSent = () =>
    takeFrames(server).filter((sent) => sent.type === DATA)
      .reduce((sum, sent) => sum + sent.length, 0);
  assert.equal(dataSent(), 0);
  server.receive(windowUpdateFrame(1, 50_000), 0);
  assert.equal(dataSent(), 0);
  server.receive(windowUpdateFrame(1, 40), 0);
  assert.equal(dataSent(), 40);
  server.receive(settingsFrame([[4, 65_535]]), 0);
  assert.equal(dataSent(), 60);
  assert.equal(server.openStreamCount, 0);
});

Deno.test("sendHeaders() cuts a long head into CONTINUATION frames of the peer's size", () => {
  const server = makeServer();
  server.receive(OPEN_AND_ENDED, 0);
  const long: HeaderList = [...RESPONSE_HEAD, [
    "a",
    "x\x00".repeat(20_000).replaceAll("\x00", "~"),
  ]];
  server.sendHeaders(1, long, { endStream: true });
  const sent = takeFrames(server);
  assert.ok(sent.length > 1);
  assert.ok(sent.every((one) => one.length <= 2 ** 14));
  assert.deepEqual(sent.map((one) => one.type), [
    HEADERS,
    ...Array(sent.length - 1).fill(CONTINUATION),
  ]);
  assert.equal(sent[0]!.flags, END_STREAM);
  assert.equal(sent.at(-1)!.flags, END_HEADERS);
});

Deno.test("receive() keeps no DATA of its own: events are views into the chunk", () => {
  const server = makeServer();
  server.receive(OPEN, 0);
  const chunk = concat(dataFrame(1, u32(1, 2)), dataFrame(1, u32(3)));
  const events = server.receive(chunk, 0);
  assert.equal(events.length, 2);
  for (const event of events) {
    assert.ok(event.kind === "data" && event.bytes.buffer === chunk.buffer);
  }
});

function sentData(
  server: Http2Connection,
): [streamId: number, bytes: number][] {
  return takeFrames(server).filter((sent) => sent.type === DATA)
    .map((sent) => [sent.streamId, sent.length]);
}

Deno.test("sendData() keeps to the window of the connection, in order of arrival", () => {
  const server = makeServer();
  server.receive(settingsFrame([[4, 2 ** 20], [5, 2 ** 20]]), 0);
  for (const id of [1, 3]) {
    server.receive(headersFrame(id, REQUEST_HEAD, BOTH_ENDS), 0);
    server.sendHeaders(id, RESPONSE_HEAD, { endStream: false });
  }
  server.sendData(1, new Uint8Array(60_000), { endStream: false });
  server.sendData(1, new Uint8Array(40_000), { endStream: true });
  assert.deepEqual(sentData(server), [[1, 60_000], [1, 5_535]]);
  server.receive(windowUpdateFrame(0, 100), 0);
  server.sendData(3, new Uint8Array(100), { endStream: true }); // may not overtake
  assert.deepEqual(sentData(server), [[1, 100]]);
  server.receive(windowUpdateFrame(0, 2 ** 20), 0);
  assert.deepEqual(sentData(server), [[3, 100], [1, 34_365]]);
  assert.equal(server.openStreamCount, 0);
});

Deno.test("receive() gives the credit of padding back at once", () => {
  const server = makeServer({
    streamWindowBytes: 300,
    connectionWindowBytes: 65_535,
  });
  server.receive(OPEN, 0);
  const padded = dataFrame(
    1,
    Uint8Array.of(8, 7, 0, 0, 0, 0, 0, 0, 0, 0),
    PADDED,
  );
  for (let count = 0; count < 10_000; count++) {
    for (const event of server.receive(padded, 0)) {
      assert.ok(event.kind === "data" && event.creditBytes === 1);
      server.releaseCredit(1, 1);
    }
  }
  assert.deepEqual(verdictOf(takeFrames(server)), FINE);
});

Deno.test("receive() gives the credit of dropped DATA back at once", () => {
  const server = makeServer({ connectionWindowBytes: 65_535 });
  server.receive(OPEN, 0);
  server.reset(1, 8);
  server.takeOutput();
  const late = dataFrame(1, new Uint8Array(10_000));
  for (let count = 0; count < 50; count++) {
    assert.deepEqual(server.receive(late, 0), []);
  }
  assert.deepEqual(verdictOf(takeFrames(server)), FINE);
});

Deno.test("receive() gives the credit back when a stream is reset amid a DATA frame", () => {
  const server = makeServer({ connectionWindowBytes: 65_535 });
  for (let call = 0; call < 20; call++) {
    const id = 2 * call + 1;
    server.receive(headersFrame(id, REQUEST_HEAD), 0);
    const data = dataFrame(id, new Uint8Array(10_000));
    assert.equal(server.receive(data.subarray(0, 5_000), 0).length, 1);
    server.reset(id, 8);
    assert.deepEqual(server.receive(data.subarray(5_000), 0), []);
  }
  const frames = takeFrames(server);
  assert.ok(frames.every((sent) => sent.type !== GOAWAY));
});

Deno.test("releaseCredit() sends no WINDOW_UPDATE for a stream that the peer has ended", () => {
  const server = makeServer({ streamWindowBytes: 1_000 });
  server.receive(
    concat(OPEN, dataFrame(1, new Uint8Array(1_000), END_STREAM)),
    0,
  );
  server.releaseCredit(1, 1_000);
  assert.deepEqual(takeFrames(server), []);
});

Deno.test("releaseCredit() sends one WINDOW_UPDATE for half a window", () => {
  const server = makeServer({ streamWindowBytes: 1_000 });
  server.receive(concat(OPEN, dataFrame(1, new Uint8Array(1_000))), 0);
  for (let part = 0; part < 49; part++) server.releaseCredit(1, 10);
  assert.deepEqual(takeFrames(server), []);
  server.releaseCredit(1, 10);
  const sent = takeFrames(server);
  assert.deepEqual(sent.map((one) => [one.type, one.streamId, one.payload]), [
    [WINDOW_UPDATE, 1, u32(500)],
  ]);
});

Deno.test("releaseCredit() gives back no more than there was", () => {
  const server = makeServer({ streamWindowBytes: 1_000 });
  server.receive(concat(OPEN, dataFrame(1, new Uint8Array(600))), 0);
  server.releaseCredit(1, 5_000);
  const sent = takeFrames(server);
  assert.deepEqual(sent.map((one) => one.payload), [u32(600)]);
});
