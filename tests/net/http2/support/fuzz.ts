/**
 * One fuzz case: a valid sequence of frames is mutated, cut into chunks and given
 * to a machine of either role, while the layer above acts at random. The machine
 * must not throw, must keep its bounds, and must end with a GOAWAY when it ends.
 */
import assert from "node:assert/strict";
import {
  createClientConnection,
  createServerConnection,
  defaultHttp2Limits,
  type Http2Connection,
  type Http2Event,
  type Http2Limits,
} from "../../../../net/http2/mod.ts";
import {
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PADDED,
  PRIORITY,
  PRIORITY_FLAG,
} from "../../../../net/http2/frame.ts";
import type { Chance } from "./chance.ts";
import { REQUEST_HEAD, RESPONSE_HEAD, settle, TRAILERS } from "./pair.ts";
import {
  block,
  CLIENT_START,
  concat,
  continuationFrame,
  dataFrame,
  frame,
  goAwayFrame,
  headersFrame,
  parseFrames,
  pingFrame,
  resetFrame,
  SETTINGS_ACK,
  settingsFrame,
  takeFrames,
  u32,
  windowUpdateFrame,
  type WireFrame,
} from "./wire.ts";

/** Small limits, so that random input reaches them. */
export const FUZZ_LIMITS: Http2Limits = {
  ...defaultHttp2Limits,
  streamWindowBytes: 3_000,
  connectionWindowBytes: 65_535,
  frameMaxBytes: 2 ** 14,
  headerListMaxBytes: 2_000,
  headerFieldsMax: 30,
  headerBlockMaxBytes: 4_000,
  continuationFramesMax: 3,
  concurrentStreamsMax: 4,
  closedStreamsRememberedMax: 8,
  streamQueueHighBytes: 4_000,
  streamQueueLowBytes: 1_000,
  untakenOutputMaxBytes: 40_000,
  eagerOutputMaxBytes: 2_000,
  copiedPayloadMaxBytes: 200,
  fairTurnBytes: 500,
  resetsPerIntervalMax: 20,
  pingsPerIntervalMax: 20,
  settingsPerIntervalMax: 10,
  emptyDataPerIntervalMax: 10,
  windowUpdatesPerIntervalMax: 50,
  ignoredFramesPerIntervalMax: 30,
};

type Role = "client" | "server";
type Sequence = readonly Uint8Array[];
/** What each role may receive. */
export type Corpus = Readonly<Record<Role, readonly Sequence[]>>;

export function makeCorpus(): Corpus {
  return {
    server: [recordedCalls("client"), handMadeCalls(), controlFrames()],
    client: [recordedCalls("server"), handMadeAnswers()],
  };
}

/** What our own machine writes as `sender`: heads with dynamic indexing, bodies, trailers. */
function recordedCalls(sender: Role): Sequence {
  const limits = FUZZ_LIMITS;
  const client = createClientConnection({ limits, nowMs: 0 });
  const server = createServerConnection({ limits, nowMs: 0 });
  const written: Uint8Array[] = [];
  const tap = (connection: Http2Connection, role: Role): Http2Connection =>
    role !== sender ? connection : new Proxy(connection, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        return (...values: unknown[]) => {
          const result: unknown = value.apply(target, values);
          if (key === "takeOutput") written.push(...result as Uint8Array[]);
          return result;
        };
      },
    });
  const pair = { client: tap(client, "client"), server: tap(server, "server") };
  for (let call = 0; call < 3; call++) {
    const id = client.request(REQUEST_HEAD, { endStream: false })!;
    client.sendData(id, new Uint8Array(300 + call), { endStream: true });
    settle(pair);
    server.releaseCredit(id, 300);
    server.sendHeaders(id, RESPONSE_HEAD, { endStream: false });
    server.sendData(id, new Uint8Array(200), { endStream: false });
    server.sendHeaders(id, TRAILERS, { endStream: true });
    settle(pair);
  }
  const bytes = concat(...written);
  const frames = parseFrames(bytes).map((sent) => frame(sent));
  return sender === "client" ? [CLIENT_START.slice(0, 24), ...frames] : frames;
}

function handMadeCalls(): Sequence {
  const padded = concat(Uint8Array.of(3), u32(7, 7), new Uint8Array(3));
  const head = block(REQUEST_HEAD);
  return [
    CLIENT_START,
    SETTINGS_ACK,
    headersFrame(1, REQUEST_HEAD, 0),
    continuationFrame(1, block([["a", "b"]])),
    continuationFrame(1, block([["c", "d"]]), END_HEADERS),
    dataFrame(1, padded, PADDED),
    frame({
      type: HEADERS,
      flags: END_HEADERS | PRIORITY_FLAG | PADDED,
      streamId: 3,
      payload: concat(
        Uint8Array.of(1),
        u32(0),
        Uint8Array.of(9),
        head,
        Uint8Array.of(0),
      ),
    }),
    frame({ type: PRIORITY, streamId: 5, payload: new Uint8Array(5) }),
    dataFrame(3, new Uint8Array(1_500)),
    headersFrame(3, TRAILERS, END_HEADERS | END_STREAM),
    headersFrame(5, [...REQUEST_HEAD, ["content-length", "8"]]),
    dataFrame(5, u32(1, 2), END_STREAM),
    resetFrame(1, 8),
    dataFrame(1, u32(1)),
  ];
}

function controlFrames(): Sequence {
  return [
    CLIENT_START,
    headersFrame(1, REQUEST_HEAD, END_HEADERS | END_STREAM),
    settingsFrame([[1, 0], [4, 100], [5, 2 ** 15], [3, 1]]),
    pingFrame(),
    windowUpdateFrame(1, 1_000),
    settingsFrame([[1, 4_096], [4, 70_000]]),
    headersFrame(3, REQUEST_HEAD, END_HEADERS | END_STREAM),
    windowUpdateFrame(0, 10_000),
    goAwayFrame(0, 0),
    frame({ type: 0x20, streamId: 1, payload: new Uint8Array(50) }),
  ];
}

function handMadeAnswers(): Sequence {
  return [
    settingsFrame([[3, 100], [4, 500]]),
    SETTINGS_ACK,
    headersFrame(1, [[":status", "103"]]),
    headersFrame(1, RESPONSE_HEAD),
    dataFrame(1, new Uint8Array(900)),
    windowUpdateFrame(3, 4_000),
    windowUpdateFrame(0, 4_000),
    headersFrame(3, RESPONSE_HEAD, 0),
    continuationFrame(3, block([["x", "y"]]), END_HEADERS),
    dataFrame(3, new Uint8Array(20), END_STREAM),
    headersFrame(1, TRAILERS, END_HEADERS | END_STREAM),
    pingFrame(1),
    goAwayFrame(3, 0),
    resetFrame(5, 7),
  ];
}

/** Runs one case; throws an assertion when the machine breaks its contract. */
export function runCase(chance: Chance, corpus: Corpus): void {
  const role: Role = chance.oneIn(2) ? "client" : "server";
  const input = concat(...mutate(chance, corpus[role]));
  const machine = makeMachine(role);
  let hasFailed = false;
  for (let at = 0; at < input.length;) {
    const end = chance.oneIn(3)
      ? Math.min(input.length, at + 1 + chance.below(60))
      : input.length;
    const events = machine.receive(
      input.subarray(at, end),
      chance.below(20_000),
    );
    at = end;
    assert.ok(!hasFailed || events.length === 0, "Events after the end");
    hasFailed ||= act(chance, machine, role, events);
    checkBounds(machine);
  }
  checkEnd(machine, hasFailed, chance.oneIn(8));
}

function makeMachine(role: Role): Http2Connection {
  const options = { limits: FUZZ_LIMITS, nowMs: 0 };
  if (role === "server") return createServerConnection(options);
  const client = createClientConnection(options);
  for (let call = 0; call < 3; call++) {
    const id = client.request(REQUEST_HEAD, { endStream: call === 0 })!;
    if (call > 0) client.sendData(id, BODY, { endStream: call === 1 });
  }
  return client;
}

const BODY = new Uint8Array(5_000);

/** The layer above answers, is slow, or gives up. True once the connection failed. */
function act(
  chance: Chance,
  machine: Http2Connection,
  role: Role,
  events: readonly Http2Event[],
): boolean {
  let hasFailed = false;
  for (const event of events) {
    if (event.kind === "connection_error") hasFailed = true;
    if (event.kind === "data" && !chance.oneIn(4)) {
      machine.releaseCredit(event.streamId, event.creditBytes);
    }
    if (event.kind !== "headers") continue;
    if (chance.oneIn(8)) machine.reset(event.streamId, 8);
    if (role === "client" || chance.oneIn(4)) continue;
    const body = BODY.subarray(0, chance.below(BODY.length));
    machine.sendHeaders(event.streamId, RESPONSE_HEAD, { endStream: false });
    machine.sendData(event.streamId, body, { endStream: chance.oneIn(3) });
    machine.sendHeaders(event.streamId, TRAILERS, { endStream: true });
  }
  if (chance.oneIn(40)) machine.goAway(0);
  if (chance.oneIn(40)) machine.ping(1);
  if (chance.oneIn(4)) machine.takeOutput();
  return hasFailed;
}

/** Streams and queues are bounded by the limits, whatever came. */
function checkBounds(machine: Http2Connection): void {
  assert.ok(machine.openStreamCount <= FUZZ_LIMITS.concurrentStreamsMax);
  const streams = FUZZ_LIMITS.concurrentStreamsMax;
  const queuedMaxBytes = FUZZ_LIMITS.untakenOutputMaxBytes +
    (streams + 1) * (BODY.length + 1_000);
  assert.ok(machine.queuedBytes <= queuedMaxBytes, "Queues grow");
}

function checkEnd(
  machine: Http2Connection,
  hasFailed: boolean,
  isParsed: boolean,
): void {
  assert.ok(!hasFailed || machine.isDone);
  assert.ok(!hasFailed || machine.openStreamCount === 0);
  if (!isParsed) {
    machine.takeOutput();
  } else {
    const frames = takeFrames(machine);
    for (const sent of frames) assert.equal(sent.payload.length, sent.length);
    assert.ok(!hasFailed || frames.length === 0 || isGoAway(frames.at(-1)!));
  }
  assert.equal(machine.takeOutput().length, 0);
}

function isGoAway(sent: WireFrame): boolean {
  return sent.type === GOAWAY;
}

/** One to four changes to a sequence of the corpus, or to two of them joined. */
function mutate(chance: Chance, sequences: readonly Sequence[]): Uint8Array[] {
  const frames = [...chance.pick(sequences)];
  if (chance.oneIn(6)) frames.push(...chance.pick(sequences).slice(1));
  for (let left = 1 + chance.below(4); left > 0 && frames.length > 1; left--) {
    // The preface is spared mostly: without it nothing else is reached.
    const place = chance.oneIn(50) ? 0 : 1 + chance.below(frames.length - 1);
    frames.splice(place, 1, ...changed(chance, frames[place]!));
  }
  return frames;
}

/** What stands in the place of one frame. */
function changed(chance: Chance, bytes: Uint8Array): Uint8Array[] {
  const copy = bytes.slice();
  const anywhere = chance.below(copy.length);
  switch (chance.below(11)) {
    case 0:
      copy[anywhere]! ^= 1 << chance.below(8);
      return [copy];
    case 1:
      copy[anywhere] = chance.pick([0, 1, 0x7f, 0x80, 0xff]);
      return [copy];
    case 2:
      copy[chance.below(3)] = chance.below(256); // length
      return [copy];
    case 3:
      copy[3] = chance.below(12); // type
      return [copy];
    case 4:
      copy[4]! ^= 1 << chance.below(8); // flags
      return [copy];
    case 5:
      copy[8] = chance.below(12); // stream
      return [copy];
    case 6:
      return [bytes, bytes];
    case 7:
      return [];
    case 8:
      return [copy.subarray(0, anywhere)];
    case 9:
      return [bytes, randomFrame(chance)];
    default:
      return Array(2 + chance.below(30)).fill(bytes);
  }
}

function randomFrame(chance: Chance): Uint8Array {
  const payload = Uint8Array.from(
    { length: chance.below(40) },
    () => chance.below(256),
  );
  const type = chance.below(12);
  const flags = chance.below(256);
  return frame({ type, flags, streamId: chance.below(8), payload });
}
