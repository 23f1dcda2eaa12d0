/** The rules of frames (RFC 9113 sections 3.4, 4 and 6), one row each. */
import assert from "node:assert/strict";
import {
  COMPRESSION_ERROR,
  createServerConnection,
  defaultHttp2Limits,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
} from "../../../net/http2/mod.ts";
import {
  ACK,
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PADDED,
  PING,
  PREFACE,
  PRIORITY,
  PRIORITY_FLAG,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from "../../../net/http2/frame.ts";
import { REQUEST_HEAD } from "./support/pair.ts";
import {
  BOTH_ENDS,
  connection,
  FINE,
  NOTHING,
  OPEN,
  type Rule,
  show,
  stream,
  testServerRules,
} from "./support/rules.ts";
import {
  block,
  concat,
  continuationFrame,
  dataFrame,
  frame,
  headersFrame,
  pingFrame,
  resetFrame,
  SETTINGS_ACK,
  settingsFrame,
  takeFrames,
  u32,
  verdictOf,
  windowUpdateFrame,
} from "./support/wire.ts";

const FRAME_RULES: readonly Rule[] = [
  {
    name: "4.1 an unknown frame type is ignored",
    input: [
      frame({ type: 0xbe, flags: 0xff, streamId: 9, payload: u32(1, 2) }),
    ],
    verdict: FINE,
  },
  {
    name: "4.2 a frame over our size",
    input: [frame({ type: DATA, streamId: 1, length: 2 ** 20 + 1 })],
    verdict: connection(FRAME_SIZE_ERROR),
  },
  {
    name: "4.3 a broken header block",
    input: [
      frame({
        type: HEADERS,
        flags: BOTH_ENDS,
        streamId: 1,
        payload: Uint8Array.of(0xff, 0xff, 0xff),
      }),
    ],
    verdict: connection(COMPRESSION_ERROR),
  },
  {
    name: "4.3 an index in no table",
    input: [
      frame({
        type: HEADERS,
        flags: BOTH_ENDS,
        streamId: 1,
        payload: Uint8Array.of(0x80 | 70),
      }),
    ],
    verdict: connection(COMPRESSION_ERROR),
  },
  {
    name: "4.3 a table size over our setting",
    input: [
      frame({
        type: HEADERS,
        flags: BOTH_ENDS,
        streamId: 1,
        payload: Uint8Array.of(0x3f, 0xe2, 0x1f),
      }),
    ],
    verdict: connection(COMPRESSION_ERROR),
  },
  {
    name: "4.3 a header block interrupted by another frame",
    input: [headersFrame(1, REQUEST_HEAD, 0), pingFrame()],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "4.3 a header block continued on another stream",
    input: [
      headersFrame(1, REQUEST_HEAD, 0),
      continuationFrame(3, NOTHING, END_HEADERS),
    ],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.1 DATA on stream 0",
    input: [dataFrame(0, u32(1))],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.1 DATA with more padding than payload",
    input: [OPEN, dataFrame(1, Uint8Array.of(3, 0, 0), PADDED)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.1 DATA with no room for the pad length",
    input: [OPEN, dataFrame(1, NOTHING, PADDED)],
    verdict: connection(FRAME_SIZE_ERROR),
  },
  {
    name: "6.1 DATA with padding only",
    input: [OPEN, dataFrame(1, Uint8Array.of(2, 0, 0), PADDED | END_STREAM)],
    verdict: FINE,
  },
  {
    name: "6.2 HEADERS on stream 0",
    input: [headersFrame(0, REQUEST_HEAD)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.2 HEADERS with more padding than payload",
    input: [
      frame({
        type: HEADERS,
        flags: BOTH_ENDS | PADDED,
        streamId: 1,
        payload: Uint8Array.of(9, 0x82),
      }),
    ],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.2 HEADERS with padding and priority",
    input: [
      frame({
        type: HEADERS,
        flags: BOTH_ENDS | PADDED | PRIORITY_FLAG,
        streamId: 1,
        payload: concat(
          Uint8Array.of(2),
          u32(0),
          Uint8Array.of(5),
          block(REQUEST_HEAD),
          Uint8Array.of(0, 0),
        ),
      }),
    ],
    verdict: FINE,
  },
  {
    name: "6.3 PRIORITY is ignored, on idle streams too",
    input: [
      frame({ type: PRIORITY, streamId: 99, payload: new Uint8Array(5) }),
    ],
    verdict: FINE,
  },
  {
    name: "6.3 PRIORITY on stream 0",
    input: [frame({ type: PRIORITY, payload: new Uint8Array(5) })],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.3 PRIORITY of a wrong size",
    input: [
      OPEN,
      frame({ type: PRIORITY, streamId: 1, payload: new Uint8Array(4) }),
    ],
    verdict: stream(1, FRAME_SIZE_ERROR),
  },
  {
    name: "6.4 RST_STREAM on stream 0",
    input: [resetFrame(0, 8)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.4 RST_STREAM on an idle stream",
    input: [resetFrame(1, 8)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.4 RST_STREAM of a wrong size",
    input: [
      OPEN,
      frame({ type: RST_STREAM, streamId: 1, payload: new Uint8Array(3) }),
    ],
    verdict: connection(FRAME_SIZE_ERROR),
  },
  {
    name: "6.5 SETTINGS with ACK and payload",
    input: [frame({ type: SETTINGS, flags: ACK, payload: new Uint8Array(6) })],
    verdict: connection(FRAME_SIZE_ERROR),
  },
  {
    name: "6.5 SETTINGS on a stream",
    input: [frame({ type: SETTINGS, streamId: 1 })],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.5 SETTINGS of a wrong size",
    input: [frame({ type: SETTINGS, payload: new Uint8Array(5) })],
    verdict: connection(FRAME_SIZE_ERROR),
  },
  {
    name: "6.5.2 ENABLE_PUSH of 2",
    input: [settingsFrame([[2, 2]])],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.5.2 INITIAL_WINDOW_SIZE over 2^31-1",
    input: [settingsFrame([[4, 2 ** 31]])],
    verdict: connection(FLOW_CONTROL_ERROR),
  },
  {
    name: "6.5.2 MAX_FRAME_SIZE below 2^14",
    input: [settingsFrame([[5, 2 ** 14 - 1]])],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.5.2 MAX_FRAME_SIZE over 2^24-1",
    input: [settingsFrame([[5, 2 ** 24]])],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.5.2 an unknown setting is ignored",
    input: [settingsFrame([[0xf000, 1]])],
    verdict: FINE,
  },
  {
    name: "6.6 PUSH_PROMISE to a server",
    input: [frame({ type: PUSH_PROMISE, streamId: 1, payload: u32(2) })],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.7 PING on a stream",
    input: [frame({ type: PING, streamId: 1, payload: u32(0, 0) })],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.7 PING of a wrong size",
    input: [frame({ type: PING, payload: u32(0) })],
    verdict: connection(FRAME_SIZE_ERROR),
  },
  {
    name: "6.8 GOAWAY on a stream",
    input: [frame({ type: GOAWAY, streamId: 1, payload: u32(0, 0) })],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.8 GOAWAY that is too short",
    input: [frame({ type: GOAWAY, payload: u32(0) })],
    verdict: connection(FRAME_SIZE_ERROR),
  },
  {
    name: "6.9 WINDOW_UPDATE of 0 on the connection",
    input: [windowUpdateFrame(0, 0)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.9 WINDOW_UPDATE of 0 on a stream",
    input: [OPEN, windowUpdateFrame(1, 0)],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "6.9 WINDOW_UPDATE on an idle stream",
    input: [windowUpdateFrame(1, 1)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.9 WINDOW_UPDATE of a wrong size",
    input: [frame({ type: WINDOW_UPDATE, payload: new Uint8Array(5) })],
    verdict: connection(FRAME_SIZE_ERROR),
  },
  {
    name: "6.9.1 a connection window over 2^31-1",
    input: [windowUpdateFrame(0, 2 ** 31 - 1)],
    verdict: connection(FLOW_CONTROL_ERROR),
  },
  {
    name: "6.9.1 a stream window over 2^31-1",
    input: [OPEN, windowUpdateFrame(1, 2 ** 31 - 1)],
    verdict: stream(1, FLOW_CONTROL_ERROR),
  },
  {
    name: "6.9.2 SETTINGS that overflow a stream window",
    input: [
      OPEN,
      windowUpdateFrame(1, 2 ** 31 - 1 - 65_535),
      settingsFrame([[4, 65_536]]),
    ],
    verdict: connection(FLOW_CONTROL_ERROR),
  },
  {
    name: "6.9.1 DATA over the stream window",
    input: [OPEN, dataFrame(1, new Uint8Array(101))],
    verdict: stream(1, FLOW_CONTROL_ERROR),
    limits: { streamWindowBytes: 100 },
  },
  {
    name: "6.9.1 DATA over the connection window",
    input: [
      headersFrame(1, REQUEST_HEAD),
      dataFrame(1, new Uint8Array(60_000)),
      headersFrame(3, REQUEST_HEAD),
      dataFrame(3, new Uint8Array(5_536)),
    ],
    verdict: connection(FLOW_CONTROL_ERROR),
    limits: { connectionWindowBytes: 65_535 },
  },
  {
    name: "6.10 CONTINUATION that continues nothing",
    input: [continuationFrame(1, NOTHING, END_HEADERS)],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "6.10 a head over three frames",
    input: [
      frame({ type: HEADERS, flags: END_STREAM, streamId: 1 }),
      continuationFrame(1, block(REQUEST_HEAD.slice(0, 4))),
      continuationFrame(1, block(REQUEST_HEAD.slice(4)), END_HEADERS),
    ],
    verdict: FINE,
  },
];

testServerRules(FRAME_RULES);

const START_RULES: readonly Rule[] = [
  {
    name: "3.4 HTTP/1 instead of the preface",
    input: [new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "3.4 a first frame that is not SETTINGS",
    input: [PREFACE, pingFrame()],
    verdict: connection(PROTOCOL_ERROR),
  },
  {
    name: "3.4 an acknowledgement before SETTINGS",
    input: [PREFACE, SETTINGS_ACK],
    verdict: connection(PROTOCOL_ERROR),
  },
];

for (const rule of START_RULES) {
  Deno.test(`receive() answers ${rule.name} with ${show(rule.verdict)}`, () => {
    const server = createServerConnection({
      limits: defaultHttp2Limits,
      nowMs: 0,
    });
    for (const bytes of rule.input) server.receive(bytes, 0);
    assert.deepEqual(verdictOf(takeFrames(server)), rule.verdict);
  });
}
