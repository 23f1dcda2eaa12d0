/**
 * The rules of RFC 9113, one row each: what a peer sends, and what it gets. After
 * a stream error the connection must still serve the next request.
 */
import assert from "node:assert/strict";
import {
  COMPRESSION_ERROR,
  createClientConnection,
  createServerConnection,
  defaultHttp2Limits,
  ENHANCE_YOUR_CALM,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  type HeaderList,
  type Http2Connection,
  type Http2Event,
  type Http2Limits,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from "../../../net/http2/mod.ts";
import {
  ACK,
  CONTINUATION,
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
import { REQUEST_HEAD, RESPONSE_HEAD, TRAILERS } from "./support/pair.ts";
import {
  block,
  CLIENT_START,
  concat,
  continuationFrame,
  dataFrame,
  frame,
  goAwayFrame,
  headersFrame,
  pingFrame,
  resetFrame,
  SETTINGS_ACK,
  settingsFrame,
  takeFrames,
  u32,
  type Verdict,
  verdictOf,
  windowUpdateFrame,
} from "./support/wire.ts";

interface Rule {
  readonly name: string;
  readonly input: readonly Uint8Array[];
  readonly verdict: Verdict;
  readonly limits?: Partial<Http2Limits>;
}

const FINE: Verdict = { kind: "fine" };
const NOTHING = new Uint8Array(0);
const BOTH_ENDS = END_HEADERS | END_STREAM;

function stream(id: number, code: number): Verdict {
  return { kind: "stream_error", id, code };
}

function connection(code: number): Verdict {
  return { kind: "connection_error", code };
}

function without(name: string): HeaderList {
  return REQUEST_HEAD.filter((field) => field[0] !== name);
}

function request(...more: HeaderList): Uint8Array {
  return headersFrame(1, [...REQUEST_HEAD, ...more], BOTH_ENDS);
}

function asked(headers: HeaderList): Uint8Array {
  return headersFrame(1, headers, BOTH_ENDS);
}

const OPEN = headersFrame(1, REQUEST_HEAD);
const OPEN_AND_ENDED = headersFrame(1, REQUEST_HEAD, BOTH_ENDS);

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

const MESSAGE_RULES: readonly Rule[] = [
  ...[":method", ":scheme", ":path"].map((name) => ({
    name: `8.3.1 a request without ${name}`,
    input: [asked(without(name))],
    verdict: stream(1, PROTOCOL_ERROR),
  })),
  ...[":method", ":scheme", ":path", ":authority"].map((name) => ({
    name: `8.3 a request with ${name} twice`,
    input: [
      asked([
        ...REQUEST_HEAD.filter((field) => field[0] === name),
        ...REQUEST_HEAD,
      ]),
    ],
    verdict: stream(1, PROTOCOL_ERROR),
  })),
  ...[
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
  ].map((name) => ({
    name: `8.2.2 the field ${name}`,
    input: [request([name, "x"])],
    verdict: stream(1, PROTOCOL_ERROR),
  })),
  {
    name: "8.3 a pseudo field after a regular one",
    input: [asked([...without(":path"), [":path", "/"]])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.3 an unknown pseudo field",
    input: [asked([[":proto", "x"], ...REQUEST_HEAD])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.3 a response field in a request",
    input: [asked([[":status", "200"], ...REQUEST_HEAD])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.3.1 an empty :path",
    input: [asked([[":path", ""], ...without(":path")])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.3.1 a :path without a slash",
    input: [asked([[":path", "log"], ...without(":path")])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.5 CONNECT with a :path",
    input: [
      asked([[":method", "CONNECT"], [":path", "/"], [":authority", "a:1"]]),
    ],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.5 CONNECT",
    input: [asked([[":method", "CONNECT"], [":authority", "a:1"]])],
    verdict: FINE,
  },
  {
    name: "8.2.1 an upper-case name",
    input: [request(["X-Trace", "1"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.2.1 an empty name",
    input: [request(["", "1"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.2.1 a name with a blank",
    input: [request(["a b", "1"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.2.1 a value with a line feed",
    input: [request(["a", "b\nc"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.2.1 a value that starts with a blank",
    input: [request(["a", " b"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.2.2 te other than trailers",
    input: [request(["te", "gzip"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1.1 a content-length that is no number",
    input: [request(["content-length", "1x"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
  {
    name: "8.1.1 two different content-lengths",
    input: [request(["content-length", "0"], ["content-length", "1"])],
    verdict: stream(1, PROTOCOL_ERROR),
  },
];

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

function makeServer(limits: Partial<Http2Limits> = {}): Http2Connection {
  const server = createServerConnection({
    limits: { ...defaultHttp2Limits, ...limits },
    nowMs: 0,
  });
  server.receive(concat(CLIENT_START, SETTINGS_ACK), 0);
  server.takeOutput();
  return server;
}

for (
  const rule of [
    ...FRAME_RULES,
    ...STREAM_RULES,
    ...MESSAGE_RULES,
    ...LIMIT_RULES,
  ]
) {
  Deno.test(`receive() answers ${rule.name} with ${show(rule.verdict)}`, () => {
    const server = makeServer(rule.limits);
    const events = rule.input.flatMap((bytes) => [...server.receive(bytes, 0)]);
    assert.deepEqual(verdictOf(takeFrames(server)), rule.verdict);
    checkEvents(events, rule.verdict);
    if (rule.verdict.kind === "connection_error") {
      checkEnded(server, rule.verdict.code);
    } else if (rule.limits === undefined) checkServes(server);
  });
}

function show(verdict: Verdict): string {
  if (verdict.kind === "fine") return "nothing";
  const where = verdict.kind === "stream_error"
    ? `stream ${verdict.id}`
    : "connection";
  return `error ${verdict.code} on the ${where}`;
}

/** The layer above hears of an error once, and of a stream only if it knew it. */
function checkEvents(events: readonly Http2Event[], verdict: Verdict): void {
  const failures = events.filter((event) => event.kind === "connection_error");
  assert.equal(failures.length, verdict.kind === "connection_error" ? 1 : 0);
  if (verdict.kind !== "stream_error") return;
  const isKnown = events.some((event) =>
    event.kind === "headers" && event.streamId === verdict.id
  );
  const resets = events.filter((event) =>
    event.kind === "reset" && event.streamId === verdict.id
  );
  assert.equal(resets.length, isKnown ? 1 : 0);
}

function checkEnded(server: Http2Connection, code: number): void {
  assert.ok(server.isDone, `error ${code} must end the connection`);
  assert.deepEqual(server.receive(pingFrame(), 0), []);
  server.sendHeaders(1, RESPONSE_HEAD, { endStream: true });
  server.ping(1);
  server.goAway(0);
  server.releaseCredit(1, 1);
  assert.deepEqual(server.takeOutput(), []);
  assert.equal(server.openStreamCount, 0);
}

function checkServes(server: Http2Connection): void {
  const events = server.receive(headersFrame(101, REQUEST_HEAD, BOTH_ENDS), 0);
  assert.deepEqual(events, [
    { kind: "headers", streamId: 101, headers: REQUEST_HEAD, endStream: true },
  ]);
}

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

Deno.test("releaseCredit() gives back no more than there was", () => {
  const server = makeServer({ streamWindowBytes: 1_000 });
  server.receive(concat(OPEN, dataFrame(1, new Uint8Array(600))), 0);
  server.releaseCredit(1, 5_000);
  const sent = takeFrames(server);
  assert.deepEqual(sent.map((one) => one.payload), [u32(600)]);
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
