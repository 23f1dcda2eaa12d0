/**
 * Bytes of an enemy: mutated packets and streams into a running core. Nothing
 * throws, nothing grows without bound, no input takes long. A quick number by
 * default; `SWIM_FUZZ=full` takes a million. `SWIM_SEED` replays a run.
 */
import assert from "node:assert/strict";
import type { Random } from "../../../core/env.ts";
import { randomBelow } from "../../../core/swim/random.ts";
import { encodeCompound } from "../../../core/swim/wire/compound.ts";
import { encodeCompressed } from "../../../core/swim/wire/compress.ts";
import { addChecksum } from "../../../core/swim/wire/checksum.ts";
import {
  encodeAccusation,
  encodeAck,
  encodeAlive,
  encodeIndirectPing,
  encodePing,
  encodeUserPacket,
  encodeUserStream,
} from "../../../core/swim/wire/messages.ts";
import { encodePushPull } from "../../../core/swim/wire/push_pull.ts";
import {
  encodeJoinIntent,
  encodeLeaveIntent,
  encodeQuery,
  encodeQueryResponse,
  encodeRelay,
  encodeSerfState,
  encodeUserEvent,
} from "../../../core/swim/wire/serf_messages.ts";
import { encodeTags } from "../../../core/swim/wire/tags.ts";
import { MEMBERS_MAX } from "../../../core/swim/limits.ts";
import { seededRandom } from "../../support/seeded_random.ts";
import { addressOf, ScriptedNode } from "./scripted_node.ts";

const isFull = Deno.env.get("SWIM_FUZZ") === "full";
const SEED = Number(Deno.env.get("SWIM_SEED") ?? 1);
const PACKETS = isFull ? 1_000_000 : 20_000;
const STREAMS = isFull ? 200_000 : 4000;
const INPUT_MS_MAX = 500;
const HEAP_GROWTH_BYTES_MAX = 256 * 1024 * 1024;

const NO_BYTES = new Uint8Array(0);
const SOURCE = { address: addressOf("b"), port: 7946, name: "b" };
const ALIVE = {
  node: "b",
  incarnation: 3,
  address: addressOf("b"),
  port: 7946,
  meta: encodeTags({ k: "v" })!,
  versions: Uint8Array.of(1, 5, 2, 2, 5, 5),
};
const INTENT = { lamportTime: 9, node: "b", isPrune: false };
const EVENT = { lamportTime: 4, name: "e", payload: Uint8Array.of(1) };
const QUERY = {
  lamportTime: 5,
  id: 7,
  address: addressOf("b"),
  port: 7946,
  sourceNode: "b",
  filters: [Uint8Array.fromHex("0182a3546167a16ba445787072a22e2a")],
  flags: 1,
  relayFactor: 2,
  timeoutMs: 1000,
  name: "q",
  payload: NO_BYTES,
};
const RESPONSE = {
  lamportTime: 5,
  id: 7,
  from: "b",
  flags: 1,
  payload: NO_BYTES,
};
const RELAYED = { address: addressOf("b"), port: 7946, node: "b" };

const serfMessages = [
  encodeJoinIntent(INTENT),
  encodeLeaveIntent(INTENT),
  encodeUserEvent({ ...EVENT, canCoalesce: false }),
  encodeQuery(QUERY),
  encodeQueryResponse(RESPONSE),
  encodeRelay({ ...RELAYED, message: encodeQueryResponse(RESPONSE) }),
];

const messages = [
  encodePing({ seqNo: 1, node: "a", source: SOURCE }),
  encodeIndirectPing({
    seqNo: 2,
    target: addressOf("c"),
    port: 7946,
    node: "c",
    wantsNack: true,
    source: SOURCE,
  }),
  encodeAck({ seqNo: 1, payload: NO_BYTES }),
  encodeAlive(ALIVE),
  encodeAccusation({ kind: "suspect", incarnation: 3, node: "b", from: "c" }),
  encodeAccusation({ kind: "dead", incarnation: 3, node: "b", from: "c" }),
  encodeAccusation({ kind: "suspect", incarnation: 3, node: "a", from: "c" }),
  ...serfMessages.map(encodeUserPacket),
];

const packets = [
  ...messages,
  ...messages.map(addChecksum),
  ...messages.map(encodeCompressed),
  encodeCompound(messages),
  encodeCompressed(encodeCompound(messages)),
];

const pushPull = encodePushPull({
  isJoin: true,
  nodes: ["b", "c", "d"].map((name) => ({
    ...ALIVE,
    name,
    status: "alive" as const,
  })),
  userState: encodeSerfState({
    lamportTime: 9,
    statusTimes: new Map([["b", 3], ["c", 4]]),
    leftMembers: ["c"],
    eventTime: 4,
    events: [{ lamportTime: 3, events: [EVENT] }],
    queryTime: 2,
  }),
});

const streams = [
  pushPull,
  encodeCompressed(pushPull),
  messages[0]!,
  encodeUserStream(serfMessages[2]!),
];

Deno.test(`receive() survives ${PACKETS} mutated packets`, () => {
  const random = seededRandom(SEED);
  const victim = new ScriptedNode("a");
  const from = { host: "10.0.0.2", port: 7946 };
  const heapBefore = Deno.memoryUsage().heapUsed;
  for (let i = 0; i < PACKETS; i++) {
    const packet = mutate(
      random,
      packets[randomBelow(random, packets.length)]!,
    );
    const tookMs = timed(() => {
      victim.serf.receive(from, packet, victim.nowMs);
      victim.nowMs += 5;
      victim.serf.tick(victim.nowMs);
      victim.serf.takeWork();
      victim.serf.takeEvents();
    });
    if (tookMs > INPUT_MS_MAX) fail(packet, `took ${tookMs} ms`);
  }
  assert.ok(victim.serf.members().length <= MEMBERS_MAX);
  assert.ok(Deno.memoryUsage().heapUsed - heapBefore < HEAP_GROWTH_BYTES_MAX);
  assert.equal(
    victim.serf.members().find(({ name }) => name === "a")?.status,
    "alive",
  );
});

Deno.test(`receiveStream() survives ${STREAMS} mutated streams`, () => {
  const random = seededRandom(SEED);
  const victim = new ScriptedNode("a");
  const from = { host: "10.0.0.2", port: 7946 };
  for (let i = 0; i < STREAMS; i++) {
    const bytes = mutate(random, streams[randomBelow(random, streams.length)]!);
    victim.nowMs += 50;
    const streamId = victim.serf.acceptStream(from, victim.nowMs);
    const middle = randomBelow(random, bytes.length + 1);
    const tookMs = timed(() => {
      if (streamId === undefined) return;
      victim.serf.receiveStream(
        streamId,
        bytes.subarray(0, middle),
        victim.nowMs,
      );
      victim.serf.receiveStream(streamId, bytes.subarray(middle), victim.nowMs);
      if (i % 2 === 0) victim.serf.endStream(streamId, "closed", victim.nowMs);
      victim.serf.tick(victim.nowMs);
      victim.serf.takeWork();
      victim.serf.takeEvents();
    });
    if (tookMs > INPUT_MS_MAX) fail(bytes, `took ${tookMs} ms`);
  }
  assert.ok(victim.serf.members().length <= MEMBERS_MAX);
});

Deno.test("receiveStream() ends a stream whose message never ends", () => {
  const victim = new ScriptedNode("a");
  const from = { host: "10.0.0.2", port: 7946 };
  const streamId = victim.serf.acceptStream(from, 0)!;
  victim.serf.receiveStream(streamId, pushPull.subarray(0, 40), 0);
  for (let second = 1; second < 10; second++) {
    victim.advance(1000);
    victim.serf.receiveStream(
      streamId,
      pushPull.subarray(40, 41),
      victim.nowMs,
    );
  }
  assert.ok(!victim.takeOutput().some((line) => line.includes("closes")));
  victim.advance(1000);
  const output = victim.takeOutput().join("\n");
  assert.match(output, /stream \d+ sends error "timed out"/);
  assert.match(output, /stream \d+ closes/);
});

Deno.test("receiveStream() ends a stream that sends more than the limit", () => {
  const victim = new ScriptedNode("a");
  const from = { host: "10.0.0.2", port: 7946 };
  const streamId = victim.serf.acceptStream(from, 0)!;
  // A user message of 20 MiB is promised, and more than that is sent.
  const head = Uint8Array.fromHex("0881aa557365724d73674c656ece01400000");
  victim.serf.receiveStream(streamId, head, 0);
  const piece = new Uint8Array(1024 * 1024);
  let sent = 0;
  while (sent < 40 && !victim.takeOutput().join().includes("closes")) {
    victim.serf.receiveStream(streamId, piece, 0);
    sent++;
  }
  assert.ok(sent <= 20, `${sent} MiB were taken`);
});

Deno.test("acceptStream() refuses the 129th open stream", () => {
  const victim = new ScriptedNode("a");
  const from = { host: "10.0.0.2", port: 7946 };
  for (let i = 0; i < 128; i++) {
    assert.notEqual(victim.serf.acceptStream(from, 0), undefined);
  }
  assert.equal(victim.serf.acceptStream(from, 0), undefined);
  victim.advance(10_000);
  assert.notEqual(victim.serf.acceptStream(from, victim.nowMs), undefined);
});

Deno.test("receive() of a flood of bad packets tells of it twenty times a second", () => {
  const victim = new ScriptedNode("a");
  victim.takeOutput();
  const bad = Uint8Array.of(99);
  for (let i = 0; i < 1000; i++) victim.receive("b", bad);
  assert.equal(victim.takeOutput().length, 20);
  victim.nowMs = 1000;
  victim.receive("b", bad);
  const [summary, next] = victim.takeOutput();
  assert.equal(summary, "notice 980 further notices were left out");
  assert.equal(
    next,
    "notice Dropped 1 of a packet from 10.0.0.2:7946: bad message",
  );
});

Deno.test("receiveStream() refuses serf states of endless empty entries", () => {
  const victim = new ScriptedNode("a");
  const from = { host: "10.0.0.2", port: 7946 };
  // {Events: array of a million maps of nothing}
  const head = Uint8Array.fromHex("0281a64576656e7473dd000f4240");
  const userState = new Uint8Array(head.length + 1_000_000).fill(0x80);
  userState.set(head);
  const streamId = victim.serf.acceptStream(from, 0)!;
  const bytes = encodePushPull({ isJoin: false, nodes: [], userState });
  victim.serf.receiveStream(streamId, bytes, 0);
  assert.match(
    victim.takeOutput().join(),
    /serf state of a peer: it is damaged/,
  );
});

/** Flips, cuts, repeats, inserts and grows lengths, a few at a time. */
function mutate(random: Random, original: Uint8Array): Uint8Array {
  let bytes = original.slice();
  const changes = randomBelow(random, 4);
  for (let i = 0; i < changes; i++) bytes = mutateOnce(random, bytes);
  return bytes;
}

function mutateOnce(
  random: Random,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const at = randomBelow(random, bytes.length + 1);
  const value = random.nextU32() & 0xff;
  switch (randomBelow(random, 5)) {
    case 0:
      if (at < bytes.length) bytes[at] = value;
      return bytes;
    case 1:
      return bytes.slice(0, at);
    case 2: {
      const head = bytes.subarray(0, at);
      return Uint8Array.from([...head, value, ...bytes.subarray(at)]);
    }
    case 3: {
      const wide = [0xdb, 0xdd, 0xdf, 0xc6][value & 3]!;
      if (at < bytes.length) bytes[at] = wide;
      return bytes;
    }
    default: {
      const tail = bytes.subarray(at, at + 40);
      return Uint8Array.from([...bytes, ...tail]);
    }
  }
}

function timed(action: () => void): number {
  const startedAtMs = performance.now();
  action();
  return performance.now() - startedAtMs;
}

function fail(input: Uint8Array, what: string): never {
  throw new Error(`SWIM_SEED=${SEED}: ${what}: ${input.toHex()}`);
}
