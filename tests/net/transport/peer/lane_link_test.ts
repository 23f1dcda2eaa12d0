/** One lane without sockets or real time: waits, silence and what is dropped. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { ProglogError } from "../../../../core/errors.ts";
import {
  encodeFrame,
  FrameReader,
} from "../../../../net/transport/peer/frame.ts";
import { encodeWelcome } from "../../../../net/transport/peer/hello.ts";
import {
  FRAME_PAYLOAD_MAX_BYTES,
  LINK_LIMITS,
} from "../../../../net/transport/peer/limits.ts";
import { LaneLink } from "../../../../net/transport/peer/lane_link.ts";
import { ManualTime } from "../../../support/grpc_pair.ts";

class FakeSocket extends EventEmitter {
  readonly frames: string[] = [];
  writableLength = 0;
  isDestroyed = false;
  readonly #reader = new FrameReader({
    payloadMaxBytes: FRAME_PAYLOAD_MAX_BYTES,
  });

  setNoDelay(): this {
    return this;
  }

  write(bytes: Uint8Array): boolean {
    this.#reader.push(bytes, ({ kind }) => this.frames.push(kind));
    return true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  /** What the peer says. */
  say(kind: "welcome" | "pong"): void {
    const payload = kind === "welcome"
      ? encodeWelcome({ clusterId: "", from: "b" })
      : new Uint8Array(0);
    this.emit("data", encodeFrame(kind, payload));
  }
}

function makeLane() {
  const time = new ManualTime();
  const dialled: string[] = [];
  const sockets: FakeSocket[] = [];
  const events: string[] = [];
  const state: { answer: "socket" | "failure" | "never" } = {
    answer: "socket",
  };
  const link = new LaneLink({
    self: { id: "a", clusterId: () => "" },
    dial: (address) => {
      dialled.push(address);
      if (state.answer === "never") return new Promise(() => undefined);
      if (state.answer === "failure") {
        return Promise.reject(new ProglogError("unavailable", "refused"));
      }
      const socket = new FakeSocket();
      sockets.push(socket);
      return Promise.resolve(socket as unknown as Socket);
    },
    preamble: new Uint8Array(0),
    clock: time,
    scheduler: time,
    random: { nextU32: () => 2 ** 32 - 1 },
    limits: LINK_LIMITS,
  }, {
    peerId: "b",
    lane: "control",
    address: "b:1",
    onUp: () => events.push("up"),
    onDown: (reason) => events.push(reason.message),
  });
  return { time, dialled, sockets, events, state, link };
}

/** Lets promises and the pump's writes go through. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

Deno.test("a message waits for the first connection, behind the hello", async () => {
  const { link, sockets, events } = makeLane();
  assert.equal(link.send([Uint8Array.of(1)]), "queued");
  await turn();
  assert.deepEqual(sockets[0]?.frames, ["hello"]);
  sockets[0]?.say("welcome");
  await turn();
  assert.deepEqual(sockets[0]?.frames, ["hello", "end"]);
  assert.deepEqual(events, ["up"]);
  link.stop();
});

Deno.test("waits between tries double up to a second, and drop what is sent", async () => {
  const { time, dialled, state, link } = makeLane();
  state.answer = "failure";
  await turn();
  link.break(new ProglogError("unavailable", "gone"));
  assert.equal(link.send([Uint8Array.of(1)]), "dropped");
  const waits: number[] = [];
  for (let n = 0; n < 7; n++) {
    const before = dialled.length;
    let waitedMs = 0;
    while (dialled.length === before) {
      time.advance(25);
      waitedMs += 25;
    }
    waits.push(waitedMs);
    await turn();
  }
  assert.deepEqual(waits, [50, 100, 200, 400, 800, 1_000, 1_000]);
  link.stop();
});

Deno.test("a peer that does not answer the dial is given up after two seconds", async () => {
  const { time, events, state, link } = makeLane();
  await turn();
  state.answer = "never";
  link.break(new ProglogError("unavailable", "gone"));
  time.advance(50);
  time.advance(2_000);
  assert.deepEqual(
    events.at(-1),
    "Cannot reach the peer at b:1: no answer within 2000 ms",
  );
  link.stop();
});

Deno.test("a peer that does not welcome is given up after two seconds", async () => {
  const { time, events, sockets, link } = makeLane();
  await turn();
  time.advance(2_000);
  assert.match(events.at(-1) ?? "", /^Cannot reach the peer/);
  assert.equal(sockets[0]?.isDestroyed, true);
  link.stop();
});

Deno.test("a peer that falls silent is pinged after two seconds and dead after four", async () => {
  const { time, events, sockets, link } = makeLane();
  await turn();
  sockets[0]?.say("welcome");
  await turn();
  time.advance(2_000);
  await turn();
  assert.deepEqual(sockets[0]?.frames, ["hello", "ping"]);
  sockets[0]?.say("pong");
  time.advance(2_000);
  await turn();
  assert.deepEqual(events, ["up"]);
  time.advance(4_000);
  await turn();
  assert.deepEqual(events, ["up", "The peer does not answer pings"]);
  assert.equal(sockets[0]?.isDestroyed, true);
  assert.equal(link.state, "waiting");
  link.stop();
});

Deno.test("retryNow() dials at once, and the wait begins small again after a success", async () => {
  const { dialled, sockets, state, link, time } = makeLane();
  state.answer = "failure";
  await turn();
  link.break(new ProglogError("unavailable", "gone"));
  for (let n = 0; n < 6; n++) {
    time.advance(1_000);
    await turn();
  }
  const before = dialled.length;
  state.answer = "socket";
  link.retryNow();
  assert.equal(dialled.length, before + 1);
  await turn();
  sockets.at(-1)?.say("welcome");
  link.break(new ProglogError("unavailable", "gone"));
  time.advance(50);
  assert.equal(dialled.length, before + 2);
  link.stop();
});

Deno.test("readdress() leaves the old address for the new one", async () => {
  const { dialled, sockets, link } = makeLane();
  await turn();
  sockets[0]?.say("welcome");
  link.readdress("b:2");
  assert.equal(sockets[0]?.isDestroyed, true);
  assert.deepEqual(dialled, ["b:1", "b:2"]);
  link.readdress("b:2");
  assert.equal(dialled.length, 2);
  link.stop();
});

Deno.test("stop() closes, and a dial that ends after it is closed too", async () => {
  const { time, dialled, sockets, link } = makeLane();
  link.stop();
  await turn();
  assert.equal(sockets[0]?.isDestroyed, true);
  time.advance(10_000);
  assert.equal(dialled.length, 1);
  assert.equal(time.timerCount, 0);
  assert.equal(link.send([Uint8Array.of(1)]), "dropped");
});
