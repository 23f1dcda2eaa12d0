/** The rules of streams and their order (RFC 9113 sections 5.1 and 8.1), one row each. */
import assert from "node:assert/strict";
import {
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from "../../../net/http2/mod.ts";
import { END_STREAM, GOAWAY, PADDED } from "../../../net/http2/frame.ts";
import { REQUEST_HEAD, TRAILERS } from "./support/pair.ts";
import {
  BOTH_ENDS,
  checkServes,
  connection,
  FINE,
  makeServer,
  OPEN,
  OPEN_AND_ENDED,
  request,
  type Rule,
  stream,
  testServerRules,
} from "./support/rules.ts";
import {
  concat,
  dataFrame,
  headersFrame,
  resetFrame,
  takeFrames,
  u32,
  verdictOf,
  windowUpdateFrame,
} from "./support/wire.ts";

const STREAM_RULES: readonly Rule[] = [
  {
    name: "5.1 DATA on an idle stream",
    input: [dataFrame(1, u32(1))],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "5.1 DATA after END_STREAM",
    input: [OPEN_AND_ENDED, dataFrame(1, u32(1))],
    verdict: stream(1, STREAM_CLOSED),
  },
  {
    name: "5.1 HEADERS after END_STREAM",
    input: [OPEN_AND_ENDED, headersFrame(1, TRAILERS, BOTH_ENDS)],
    verdict: stream(1, STREAM_CLOSED),
  },
  {
    name: "5.1 DATA after RST_STREAM",
    input: [OPEN, resetFrame(1, 8), dataFrame(1, u32(1))],
    verdict: stream(1, STREAM_CLOSED),
  },
  {
    name: "5.1 WINDOW_UPDATE and RST_STREAM after RST_STREAM",
    input: [OPEN, resetFrame(1, 8), windowUpdateFrame(1, 1), resetFrame(1, 8)],
    verdict: FINE,
  },
  {
    name: "5.1.1 a stream with an even id",
    input: [headersFrame(2, REQUEST_HEAD)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "5.1.1 a stream below one that is open",
    input: [headersFrame(5, REQUEST_HEAD), headersFrame(3, REQUEST_HEAD)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "5.1.2 a stream over our limit",
    input: [
      headersFrame(1, REQUEST_HEAD),
      headersFrame(3, REQUEST_HEAD),
      headersFrame(5, REQUEST_HEAD),
    ],
    verdict: stream(5, REFUSED_STREAM),
    limits: { concurrentStreamsMax: 2 },
  },
  {
    name: "8.1 trailers without END_STREAM",
    input: [OPEN, headersFrame(1, TRAILERS)],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1 trailers with END_STREAM",
    input: [OPEN, headersFrame(1, TRAILERS, BOTH_ENDS)],
    verdict: FINE,
  },
  {
    name: "8.1 trailers with a pseudo field",
    input: [OPEN, headersFrame(1, [[":path", "/"]], BOTH_ENDS)],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1.1 more DATA than content-length",
    input: [
      headersFrame(1, [...REQUEST_HEAD, ["content-length", "3"]]),
      dataFrame(1, u32(1)),
    ],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1.1 less DATA than content-length",
    input: [
      headersFrame(1, [...REQUEST_HEAD, ["content-length", "5"]]),
      dataFrame(1, u32(1), END_STREAM),
    ],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1.1 no DATA at all for a content-length",
    input: [request(["content-length", "5"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1.1 trailers before content-length is reached",
    input: [
      headersFrame(1, [...REQUEST_HEAD, ["content-length", "5"]]),
      headersFrame(1, TRAILERS, BOTH_ENDS),
    ],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1.1 content-length over two padded frames",
    input: [
      headersFrame(1, [...REQUEST_HEAD, ["content-length", "3"]]),
      dataFrame(1, Uint8Array.of(1, 7, 7, 0), PADDED),
      dataFrame(1, Uint8Array.of(7), END_STREAM),
    ],
    verdict: FINE,
  },
];

testServerRules(STREAM_RULES);

Deno.test("receive() ignores late frames of a stream that we reset, and keeps HPACK in step", () => {
  const server = makeServer();
  server.receive(OPEN, 0);
  server.reset(1, 8);
  server.takeOutput();
  const late = [
    dataFrame(1, u32(1)),
    headersFrame(1, TRAILERS, BOTH_ENDS),
    windowUpdateFrame(1, 5),
    resetFrame(1, 8),
  ];
  assert.deepEqual(server.receive(concat(...late), 0), []);
  assert.deepEqual(takeFrames(server), []);
  checkServes(server);
});

Deno.test("goAway() ignores streams that come later", () => {
  const server = makeServer();
  server.receive(OPEN, 0);
  server.goAway(0);
  const goAway = takeFrames(server)[0]!;
  assert.deepEqual([goAway.type, goAway.payload], [GOAWAY, u32(1, 0)]);
  const late = concat(headersFrame(3, REQUEST_HEAD), dataFrame(3, u32(1)));
  assert.deepEqual(server.receive(late, 0), []);
  assert.deepEqual(takeFrames(server), []);
});

Deno.test("receive() names no later stream in a GOAWAY that follows another", () => {
  const server = makeServer();
  server.receive(OPEN, 0);
  server.goAway(0);
  server.receive(headersFrame(7, REQUEST_HEAD), 0);
  server.receive(windowUpdateFrame(0, 0), 0);
  const sent = takeFrames(server).map((one) => one.payload.slice(0, 8));
  assert.deepEqual(sent, [u32(1, 0), u32(1, PROTOCOL_ERROR)]);
});

Deno.test("receive() of a server takes HEADERS below the last stream for a broken peer once forgotten", () => {
  const server = makeServer({ closedStreamsRememberedMax: 2 });
  for (let call = 0; call < 5; call++) {
    server.receive(headersFrame(2 * call + 1, REQUEST_HEAD), 0);
    server.reset(2 * call + 1, 8);
  }
  server.takeOutput();
  assert.deepEqual(server.receive(headersFrame(9, TRAILERS, BOTH_ENDS), 0), []);
  server.receive(dataFrame(1, u32(1)), 0);
  assert.deepEqual(verdictOf(takeFrames(server)), stream(1, STREAM_CLOSED));
  server.receive(headersFrame(3, TRAILERS, BOTH_ENDS), 0);
  assert.deepEqual(verdictOf(takeFrames(server)), connection(PROTOCOL_ERROR));
});
