/** What a server may not do to a client, one row each, and what a client does itself. */
import assert from "node:assert/strict";
import {
  createClientConnection,
  defaultHttp2Limits,
  type HeaderList,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from "../../../net/http2/mod.ts";
import { PUSH_PROMISE } from "../../../net/http2/frame.ts";
import { REQUEST_HEAD, RESPONSE_HEAD, TRAILERS } from "./support/pair.ts";
import {
  BOTH_ENDS,
  connection,
  FINE,
  type Rule,
  show,
  stream,
  without,
} from "./support/rules.ts";
import {
  dataFrame,
  frame,
  goAwayFrame,
  headersFrame,
  settingsFrame,
  takeFrames,
  u32,
  verdictOf,
} from "./support/wire.ts";

/** What a server may not do; stream 1 is requested before. */
const SERVER_RULES: readonly Rule[] = [
  {
    name: "6.5.2 a server that enables push",
    input: [settingsFrame([[2, 1]])],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.6 PUSH_PROMISE",
    input: [frame({ type: PUSH_PROMISE, streamId: 1, payload: u32(2) })],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "5.1.1 a stream of the server",
    input: [headersFrame(2, RESPONSE_HEAD)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "5.1 HEADERS on an idle stream",
    input: [headersFrame(3, RESPONSE_HEAD)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "8.1 DATA before the head",
    input: [dataFrame(1, u32(1))],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.3.2 a response without :status",
    input: [headersFrame(1, [["a", "b"]])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.3.2 a :status that is no number",
    input: [headersFrame(1, [[":status", "2x0"]])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.6 a response with 101",
    input: [headersFrame(1, [[":status", "101"]])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1 an interim response that ends the stream",
    input: [headersFrame(1, [[":status", "103"]], BOTH_ENDS)],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1 interim responses before the head",
    input: [
      headersFrame(1, [[":status", "103"]]),
      headersFrame(1, RESPONSE_HEAD),
    ],
    verdict: FINE,
  },
  {
    name: "8.1 HEADERS after the end of both sides",
    input: [
      headersFrame(1, RESPONSE_HEAD, BOTH_ENDS),
      headersFrame(1, TRAILERS, BOTH_ENDS),
    ],
    verdict: connection(STREAM_CLOSED),
  },
  {
    name: "8.1 DATA after the end of both sides",
    input: [headersFrame(1, RESPONSE_HEAD, BOTH_ENDS), dataFrame(1, u32(1))],
    verdict: connection(STREAM_CLOSED),
  },
];

for (const rule of SERVER_RULES) {
  Deno.test(`receive() of a client answers ${rule.name} with ${show(rule.verdict)}`, () => {
    const client = createClientConnection({
      limits: defaultHttp2Limits,
      nowMs: 0,
    });
    client.receive(settingsFrame(), 0);
    client.request(REQUEST_HEAD, { endStream: true });
    client.takeOutput();
    const events = rule.input.flatMap((bytes) => [...client.receive(bytes, 0)]);
    assert.deepEqual(verdictOf(takeFrames(client)), rule.verdict);
    const resets = events.filter((event) => event.kind === "reset");
    assert.equal(resets.length, rule.verdict.kind === "stream_error" ? 1 : 0);
  });
}

Deno.test("receive() of a GOAWAY refuses our streams above its last one", () => {
  const client = createClientConnection({
    limits: defaultHttp2Limits,
    nowMs: 0,
  });
  client.receive(settingsFrame(), 0);
  client.request(REQUEST_HEAD, { endStream: true });
  client.request(REQUEST_HEAD, { endStream: true });
  assert.deepEqual(client.receive(goAwayFrame(1, 0), 0), [
    { kind: "goaway", lastStreamId: 1, errorCode: 0, debug: "" },
    { kind: "reset", streamId: 3, errorCode: REFUSED_STREAM },
  ]);
  assert.equal(client.openStreamCount, 1);
});

Deno.test("receive() of a client lets HEAD and 304 tell a length without a body", () => {
  const client = createClientConnection({
    limits: defaultHttp2Limits,
    nowMs: 0,
  });
  client.receive(settingsFrame(), 0);
  const head: HeaderList = [[":method", "HEAD"], ...without(":method")];
  client.request(head, { endStream: true });
  client.request(REQUEST_HEAD, { endStream: true });
  client.request(REQUEST_HEAD, { endStream: true });
  client.takeOutput();
  const length = ["content-length", "9"] as const;
  client.receive(headersFrame(1, [[":status", "200"], length], BOTH_ENDS), 0);
  client.receive(headersFrame(3, [[":status", "304"], length], BOTH_ENDS), 0);
  assert.deepEqual(takeFrames(client), []);
  client.receive(headersFrame(5, [[":status", "200"], length], BOTH_ENDS), 0);
  assert.deepEqual(verdictOf(takeFrames(client)), stream(5, PROTOCOL_ERROR));
});

Deno.test("request() keeps to the peer's limit of streams", () => {
  const client = createClientConnection({
    limits: defaultHttp2Limits,
    nowMs: 0,
  });
  client.receive(settingsFrame([[3, 2]]), 0);
  const ask = () => client.request(REQUEST_HEAD, { endStream: true });
  assert.deepEqual([ask(), ask(), ask()], [1, 3, undefined]);
  assert.deepEqual(client.receive(settingsFrame([[3, 3]]), 0), [
    { kind: "settings", concurrentStreamsMax: 3 },
  ]);
  assert.deepEqual([ask(), ask()], [5, undefined]);
});

Deno.test("receive() of a client ignores answers to requests that it gave up and forgot", () => {
  const limits = { ...defaultHttp2Limits, closedStreamsRememberedMax: 2 };
  const client = createClientConnection({ limits, nowMs: 0 });
  client.receive(settingsFrame(), 0);
  for (let call = 0; call < 5; call++) {
    client.reset(client.request(REQUEST_HEAD, { endStream: false })!, 8);
  }
  client.takeOutput();
  for (const id of [1, 9]) {
    assert.deepEqual(client.receive(headersFrame(id, RESPONSE_HEAD), 0), []);
  }
  assert.deepEqual(takeFrames(client), []);
});
