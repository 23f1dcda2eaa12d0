/** Properties of whole connections: chunking does not matter, nothing is lost or invented. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  createClientConnection,
  createServerConnection,
  defaultHttp2Limits,
  type Http2Connection,
  type Http2Event,
} from "../../../net/http2/mod.ts";
import { makeCorpus } from "./support/fuzz.ts";
import {
  makePair,
  REQUEST_HEAD,
  RESPONSE_HEAD,
  settle,
} from "./support/pair.ts";
import { concat, parseFrames, takeFrames } from "./support/wire.ts";
import { DATA } from "../../../net/http2/frame.ts";

const CORPUS = makeCorpus();

function makeReceiver(role: "client" | "server"): Http2Connection {
  const options = { limits: defaultHttp2Limits, nowMs: 0 };
  if (role === "server") return createServerConnection(options);
  const client = createClientConnection(options);
  for (let call = 0; call < 3; call++) {
    client.request(REQUEST_HEAD, { endStream: false });
  }
  return client;
}

/** Events with the pieces of a DATA payload joined, as they may come in any number. */
function joinData(events: readonly Http2Event[]): Http2Event[] {
  const joined: Http2Event[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    if (event.kind !== "data") joined.push(event);
    else if (
      last?.kind !== "data" || last.streamId !== event.streamId ||
      last.endStream
    ) joined.push({ ...event, bytes: event.bytes.slice() });
    else {
      joined[joined.length - 1] = {
        ...event,
        bytes: concat(last.bytes, event.bytes),
        creditBytes: last.creditBytes + event.creditBytes,
      };
    }
  }
  return joined;
}

function receiveInChunks(
  role: "client" | "server",
  chunks: readonly Uint8Array[],
): { events: Http2Event[]; output: unknown } {
  const receiver = makeReceiver(role);
  // Chunks are overwritten afterwards: the machine may keep no view of them.
  const events = chunks.flatMap((chunk) => {
    const own = chunk.slice();
    const seen = joinData(receiver.receive(own, 0));
    own.fill(0xee);
    return seen;
  });
  return { events: joinData(events), output: takeFrames(receiver) };
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % bytes.length), bytes.length]
    .sort((a, b) => a - b);
  return cuts.slice(1).map((end, place) => bytes.subarray(cuts[place]!, end));
}

for (const role of ["client", "server"] as const) {
  CORPUS[role].forEach((sequence, place) => {
    const bytes = concat(...sequence);

    Deno.test(`receive() of a ${role} gives the same for sequence ${place} byte by byte`, () => {
      const whole = receiveInChunks(role, [bytes]);
      const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
      assert.ok(whole.events.length > 3);
      assert.deepEqual(receiveInChunks(role, single), whole);
    });

    Deno.test(`receive() of a ${role} gives the same for sequence ${place} in any chunks`, () => {
      const whole = receiveInChunks(role, [bytes]);
      fc.assert(fc.property(
        fc.array(fc.nat(), { maxLength: 30 }),
        (places) => {
          assert.deepEqual(receiveInChunks(role, cut(bytes, places)), whole);
        },
      ));
    });
  });
}

const WINDOWS = { streamWindowBytes: 3_000, connectionWindowBytes: 65_535 };
const PAIR_LIMITS = {
  ...WINDOWS,
  concurrentStreamsMax: 8,
  fairTurnBytes: 700,
  eagerOutputMaxBytes: 2_000,
  copiedPayloadMaxBytes: 100,
};

const action = fc.oneof(
  fc.record({ kind: fc.constant("open" as const) }),
  fc.record({
    kind: fc.constant("send" as const),
    which: fc.nat(),
    bytes: fc.nat(9_000),
  }),
  fc.record({ kind: fc.constant("end" as const), which: fc.nat() }),
  fc.record({
    kind: fc.constant("carry" as const),
    cuts: fc.array(fc.nat(), { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant("release" as const),
    which: fc.nat(),
    bytes: fc.nat(4_000),
  }),
  fc.record({ kind: fc.constant("reset" as const), which: fc.nat() }),
);

/** A client uploads to a server on many streams; both sides are driven at random. */
class Upload {
  readonly pair = makePair({ client: PAIR_LIMITS, server: PAIR_LIMITS });
  readonly sent = new Map<number, number>();
  readonly received = new Map<number, number>();
  readonly held = new Map<number, number>();
  readonly ended = new Set<number>();
  readonly resets = new Set<number>();

  open(): void {
    const id = this.pair.client.request(REQUEST_HEAD, { endStream: false });
    if (id !== undefined) this.sent.set(id, 0);
  }

  /** An open stream of our choice. */
  pick(which: number): number | undefined {
    const open = [...this.sent.keys()].filter((id) =>
      !this.ended.has(id) && !this.resets.has(id)
    );
    return open[which % Math.max(1, open.length)];
  }

  send(id: number, length: number, endStream: boolean): void {
    const from = this.sent.get(id)!;
    const bytes = Uint8Array.from(
      { length },
      (_, place) => (from + place) * 31 + id,
    );
    this.sent.set(id, from + length);
    if (endStream) this.ended.add(id);
    this.pair.client.sendData(id, bytes, { endStream });
  }

  carry(cuts: readonly number[]): void {
    const bytes = concat(...this.pair.client.takeOutput());
    if (bytes.length > 0) {
      for (const chunk of cut(bytes, cuts)) {
        this.see(this.pair.server.receive(chunk, 0));
      }
    }
    for (const back of this.pair.server.takeOutput()) {
      for (const event of this.pair.client.receive(back, 0)) {
        assert.notEqual(event.kind, "connection_error");
      }
    }
  }

  see(events: readonly Http2Event[]): void {
    for (const event of events) {
      assert.notEqual(event.kind, "connection_error");
      if (event.kind !== "data") continue;
      const id = event.streamId;
      const from = this.received.get(id) ?? 0;
      event.bytes.forEach((byte, place) => {
        assert.equal(byte, ((from + place) * 31 + id) & 0xff);
      });
      this.received.set(id, from + event.bytes.length);
      this.held.set(id, (this.held.get(id) ?? 0) + event.creditBytes);
      assert.ok(
        this.held.get(id)! <= WINDOWS.streamWindowBytes,
        "Stream window",
      );
    }
  }

  release(id: number, bytes: number): void {
    const released = Math.min(bytes, this.held.get(id) ?? 0);
    this.held.set(id, (this.held.get(id) ?? 0) - released);
    this.pair.server.releaseCredit(id, released);
  }

  /** Answers what is open and takes all that is still on its way. */
  finish(): void {
    for (const id of this.sent.keys()) {
      if (!this.ended.has(id) && !this.resets.has(id)) this.send(id, 10, true);
    }
    for (let round = 0; round < 500; round++) {
      this.carry([]);
      for (const [id, bytes] of this.held) this.release(id, bytes);
    }
    for (const id of this.sent.keys()) {
      this.pair.server.sendHeaders(id, RESPONSE_HEAD, { endStream: true });
    }
    settle(this.pair);
  }
}

Deno.test("sendData() and releaseCredit() conserve bytes and windows in any order", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const upload = new Upload();
      upload.carry([]);
      upload.open();
      for (const step of actions) {
        const id = "which" in step ? upload.pick(step.which) : undefined;
        if (step.kind === "open") upload.open();
        else if (step.kind === "carry") upload.carry(step.cuts);
        else if (id === undefined) continue;
        else if (step.kind === "send") upload.send(id, step.bytes, false);
        else if (step.kind === "end") upload.send(id, 0, true);
        else if (step.kind === "release") upload.release(id, step.bytes);
        else {
          upload.pair.client.reset(id, 8);
          upload.resets.add(id);
        }
      }
      upload.finish();
      for (const [id, bytes] of upload.sent) {
        if (upload.resets.has(id)) continue;
        assert.equal(upload.received.get(id) ?? 0, bytes, `Stream ${id}`);
      }
      assert.equal(upload.pair.client.openStreamCount, 0);
      assert.equal(upload.pair.client.queuedBytes, 0);
      checkConnectionWindow(upload.pair);
    }),
    { numRuns: 150 },
  );
});

/** All credit is back: nearly a whole connection window can be sent again. */
function checkConnectionWindow(
  pair: { client: Http2Connection; server: Http2Connection },
): void {
  let sentBytes = 0;
  for (let call = 0; call < 8; call++) {
    const id = pair.client.request(REQUEST_HEAD, { endStream: false })!;
    pair.client.sendData(id, new Uint8Array(WINDOWS.streamWindowBytes), {
      endStream: false,
    });
    sentBytes += WINDOWS.streamWindowBytes;
  }
  // Less than half the window may wait for its WINDOW_UPDATE.
  const expected = Math.min(sentBytes, WINDOWS.connectionWindowBytes / 2);
  const body = parseFrames(concat(...pair.client.takeOutput()))
    .filter((sent) => sent.type === DATA)
    .reduce((sum, sent) => sum + sent.length, 0);
  assert.ok(body >= expected, `${body} of ${expected} bytes`);
}

Deno.test("takeOutput() serves streams in turn", () => {
  const limits = {
    ...PAIR_LIMITS,
    streamWindowBytes: 20_000,
    eagerOutputMaxBytes: 0,
  };
  const pair = makePair({ client: limits, server: limits });
  settle(pair);
  for (let call = 0; call < 3; call++) {
    const id = pair.client.request(REQUEST_HEAD, { endStream: false })!;
    pair.client.sendData(id, new Uint8Array(2_100), { endStream: true });
  }
  const order = takeFrames(pair.client)
    .filter((sent) => sent.type === DATA).map((sent) => sent.streamId);
  assert.deepEqual(order, [1, 3, 5, 1, 3, 5, 1, 3, 5]);
});

Deno.test("sendData() puts a message of 1 MiB into one frame, by reference", () => {
  const pair = makePair();
  settle(pair);
  const id = pair.client.request(REQUEST_HEAD, { endStream: false })!;
  const message = new Uint8Array(2 ** 20);
  pair.client.sendData(id, message, { endStream: true });
  const output = pair.client.takeOutput();
  assert.equal(output.length, 2);
  assert.equal(output[1], message);
});
