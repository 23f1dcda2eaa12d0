/** The limits of a connection, one row each, with the error for who is over them. */
import assert from "node:assert/strict";
import { ENHANCE_YOUR_CALM } from "../../../net/http2/mod.ts";
import { PADDED, PRIORITY } from "../../../net/http2/frame.ts";
import { REQUEST_HEAD, RESPONSE_HEAD } from "./support/pair.ts";
import {
  connection,
  makeServer,
  NOTHING,
  OPEN,
  OPEN_AND_ENDED,
  request,
  type Rule,
  stream,
  testServerRules,
} from "./support/rules.ts";
import {
  concat,
  continuationFrame,
  dataFrame,
  frame,
  headersFrame,
  pingFrame,
  resetFrame,
  settingsFrame,
  windowUpdateFrame,
} from "./support/wire.ts";

const LIMIT_RULES: readonly Rule[] = [
  {
    name: "a header list over its bytes",
    input: [request(["a", "x".repeat(2_000)])],
    verdict: stream(1, ENHANCE_YOUR_CALM),
    limits: { headerListMaxBytes: 1_000 },
  },
  {
    name: "a header list over its fields",
    input: [request(...Array(20).fill(["a", "b"]))],
    verdict: stream(1, ENHANCE_YOUR_CALM),
    limits: { headerFieldsMax: 20 },
  },
  {
    name: "a header block over its bytes",
    input: [request(["a", "x".repeat(2_000)])],
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { headerBlockMaxBytes: 1_000 },
  },
  {
    name: "a header block over its frames",
    input: [
      headersFrame(1, REQUEST_HEAD, 0),
      ...Array(4).fill(continuationFrame(1, NOTHING)),
    ],
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { continuationFramesMax: 3 },
  },
  {
    name: "too many settings in a frame",
    input: [settingsFrame(Array(9).fill([1, 4_096]))],
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { settingsPerFrameMax: 8 },
  },
  {
    name: "too many SETTINGS",
    input: Array(9).fill(settingsFrame()),
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { settingsPerIntervalMax: 8 },
  },
  {
    name: "too many PING",
    input: Array(9).fill(pingFrame()),
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { pingsPerIntervalMax: 8 },
  },
  {
    name: "too many empty DATA",
    input: [OPEN, ...Array(9).fill(dataFrame(1, NOTHING))],
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { emptyDataPerIntervalMax: 8 },
  },
  {
    name: "too many DATA of padding only",
    input: [OPEN, ...Array(9).fill(dataFrame(1, Uint8Array.of(0), PADDED))],
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { emptyDataPerIntervalMax: 8 },
  },
  {
    name: "too many WINDOW_UPDATE",
    input: Array(9).fill(windowUpdateFrame(0, 1)),
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { windowUpdatesPerIntervalMax: 8 },
  },
  {
    name: "too many PRIORITY",
    input: Array(9).fill(
      frame({ type: PRIORITY, streamId: 1, payload: new Uint8Array(5) }),
    ),
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { ignoredFramesPerIntervalMax: 8 },
  },
  {
    name: "rapid reset (CVE-2023-44487)",
    input: Array.from(
      { length: 9 },
      (_, call) =>
        concat(
          headersFrame(2 * call + 1, REQUEST_HEAD),
          resetFrame(2 * call + 1, 8),
        ),
    ),
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { resetsPerIntervalMax: 8 },
  },
  {
    name: "resets provoked by stream errors (CVE-2025-8671)",
    input: Array.from(
      { length: 9 },
      (_, call) =>
        concat(
          headersFrame(2 * call + 1, REQUEST_HEAD),
          windowUpdateFrame(2 * call + 1, 0),
        ),
    ),
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { resetsPerIntervalMax: 8 },
  },
  {
    name: "answers that pile up unread",
    input: Array(50).fill(pingFrame()),
    verdict: connection(ENHANCE_YOUR_CALM),
    limits: { untakenOutputMaxBytes: 500 },
  },
];

testServerRules(LIMIT_RULES);

Deno.test("receive() counts floods per interval", () => {
  const server = makeServer({ pingsPerIntervalMax: 8, floodIntervalMs: 1_000 });
  for (let second = 1; second < 20; second++) {
    for (let ping = 0; ping < 8; ping++) {
      server.receive(pingFrame(), second * 1_000);
    }
    server.takeOutput();
  }
  assert.equal(server.isDone, false);
});

Deno.test("receive() allows more WINDOW_UPDATE for DATA that we sent", () => {
  const server = makeServer({ windowUpdatesPerIntervalMax: 2 });
  server.receive(OPEN_AND_ENDED, 0);
  server.sendHeaders(1, RESPONSE_HEAD, { endStream: false });
  server.sendData(1, new Uint8Array(10 * 1_024), { endStream: false });
  server.takeOutput();
  for (let count = 0; count < 12; count++) {
    server.receive(windowUpdateFrame(0, 1), 0);
  }
  assert.equal(server.isDone, false);
  server.receive(windowUpdateFrame(0, 1), 0);
  assert.equal(server.isDone, true);
});
