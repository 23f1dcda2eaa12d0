/** What the vectors do not show: dialects, limits, and bytes in any pieces. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  encodeIndirectPing,
  encodeUserStream,
} from "../../../../core/swim/wire/messages.ts";
import { decodeMessage } from "../../../../core/swim/wire/message_decoder.ts";
import { formatIp, parseIp } from "../../../../core/swim/wire/ip.ts";
import { lzwCompress, lzwDecompress } from "../../../../core/swim/wire/lzw.ts";
import { MsgpackReader } from "../../../../core/swim/wire/msgpack_reader.ts";
import { MsgpackWriter } from "../../../../core/swim/wire/msgpack_writer.ts";
import { encodeCompressed } from "../../../../core/swim/wire/compress.ts";
import { encodeCompound } from "../../../../core/swim/wire/compound.ts";
import { closePacket, openPacket } from "../../../../core/swim/wire/packet.ts";
import {
  encodePushPull,
  type PushPullNode,
} from "../../../../core/swim/wire/push_pull.ts";
import { StreamReader } from "../../../../core/swim/wire/stream_reader.ts";

const PLAIN = {
  label: new Uint8Array(0),
  cipher: undefined,
  plainInput: "accepted",
} as const;
const VERSIONS = Uint8Array.of(1, 5, 2, 2, 5, 5);

Deno.test("MsgpackReader reads integers as Go's newer library sends them", () => {
  const forms: [string, number][] = [
    ["7f", 127],
    ["cc80", 128],
    ["d10080", 128],
    ["d20001e240", 123456],
    ["d3000000000001e240", 123456],
    ["cf001ffffffffffffe", Number.MAX_SAFE_INTEGER - 1],
  ];
  for (const [hex, value] of forms) {
    const reader = new MsgpackReader(Uint8Array.fromHex(hex));
    assert.equal(reader.unsigned(Number.MAX_SAFE_INTEGER), value, hex);
    assert.equal(reader.failure, "none", hex);
  }
});

Deno.test("MsgpackReader calls integers past 2^53 corrupt", () => {
  const reader = new MsgpackReader(Uint8Array.fromHex("cf0020000000000001"));
  reader.unsigned(Number.MAX_SAFE_INTEGER);
  assert.equal(reader.failure, "corrupt");
});

Deno.test("MsgpackReader reads text in raw, str8 and bin form", () => {
  for (const hex of ["a26e31", "d9026e31", "c4026e31", "da00026e31"]) {
    assert.equal(new MsgpackReader(Uint8Array.fromHex(hex)).text(), "n1", hex);
  }
});

Deno.test("MsgpackReader skips what it does not know without depth", () => {
  const deep = new Uint8Array(1000).fill(0x91);
  const reader = new MsgpackReader(deep);
  reader.skip();
  assert.equal(reader.failure, "corrupt");
});

Deno.test("MsgpackReader finds every cut incomplete", () => {
  const whole = new MsgpackWriter().map(2).text("a").array(2).integer(70_000)
    .float(1.5).text("b").raw(new Uint8Array(300)).finish();
  for (let length = 0; length < whole.length; length++) {
    const reader = new MsgpackReader(whole.subarray(0, length));
    reader.skip();
    assert.equal(reader.failure, "incomplete", `cut at ${length}`);
  }
});

Deno.test("decodeMessage() steps over keys from the future", () => {
  const future = new MsgpackWriter().byte(11).map(2)
    .text("Zone").map(1).text("x").array(1).nil()
    .text("SeqNo").integer(9).finish();
  assert.deepEqual(decodeMessage(future), { kind: "nack", seqNo: 9 });
});

Deno.test("decodeMessage() reads back an indirect ping", () => {
  const ping = {
    seqNo: 70_000,
    target: Uint8Array.of(10, 0, 0, 1),
    port: 7946,
    node: "n2",
    wantsNack: true,
    source: { address: Uint8Array.of(10, 0, 0, 2), port: 1, name: "n0" },
  };
  assert.deepEqual(decodeMessage(encodeIndirectPing(ping)), {
    kind: "indirect_ping",
    ...ping,
  });
});

Deno.test("lzwDecompress() gives back whatever was compressed", () => {
  // Short alphabets make long strings in the table, and a cleared table.
  const input = fc.integer({ min: 1, max: 255 }).chain((most) =>
    fc.uint8Array({ maxLength: 40_000, size: "max", max: most })
  );
  fc.assert(
    fc.property(input, (plain) => {
      const back = lzwDecompress(lzwCompress(plain), plain.length);
      assert.deepEqual(back, new Uint8Array(plain));
    }),
    { numRuns: 60 },
  );
});

Deno.test("formatIp() and parseIp() are inverse", () => {
  const address = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  fc.assert(fc.property(address, (bytes) => {
    const text = formatIp(bytes)!;
    assert.equal(formatIp(parseIp(text)!), text);
    if (bytes.length === 4) assert.deepEqual(parseIp(text), bytes);
  }));
});

Deno.test("formatIp() shows a mapped IPv4 address as the address it is", () => {
  const mapped = Uint8Array.fromHex("00000000000000000000ffff7f000001");
  assert.equal(formatIp(mapped), "127.0.0.1");
});

Deno.test("openPacket() drops a packet whose checksum is wrong", () => {
  const packet = closePacket(Uint8Array.of(11, 0x80), {
    envelope: PLAIN,
    checksum: "with",
  });
  assert.equal(openPacket(packet, PLAIN).messages.length, 1);
  packet[packet.length - 1]! ^= 1;
  assert.deepEqual(openPacket(packet, PLAIN).faults, ["checksum"]);
});

Deno.test("openPacket() drops packets of another label", () => {
  const red = { ...PLAIN, label: new TextEncoder().encode("red") };
  const blue = { ...PLAIN, label: new TextEncoder().encode("blue") };
  const packet = closePacket(Uint8Array.of(11, 0x80), {
    envelope: red,
    checksum: "without",
  });
  assert.equal(openPacket(packet, red).messages.length, 1);
  assert.deepEqual(openPacket(packet, blue).faults, ["label"]);
  assert.deepEqual(openPacket(packet, PLAIN).faults, ["label"]);
});

Deno.test("openPacket() stops at its limit inside nested compounds", () => {
  let packet: Uint8Array = Uint8Array.of(11, 0x80);
  for (let depth = 0; depth < 3; depth++) {
    packet = encodeCompound(new Array(30).fill(packet));
  }
  const opened = openPacket(packet, PLAIN);
  assert.equal(opened.messages.length, 1024);
  assert.ok(opened.faults.includes("limit"));
});

Deno.test("openPacket() does not expand a bomb of zeros", () => {
  const bomb = encodeCompressed(new Uint8Array(10_000_000));
  assert.ok(bomb.length < 65_536);
  assert.deepEqual(openPacket(bomb, PLAIN).faults, ["compression"]);
});

const node: fc.Arbitrary<PushPullNode> = fc.record({
  name: fc.string({ minLength: 1, maxLength: 20 }),
  address: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  port: fc.nat(65_535),
  meta: fc.uint8Array({ maxLength: 60 }),
  incarnation: fc.nat(2 ** 32 - 1),
  status: fc.constantFrom("alive", "suspect", "dead", "left"),
  versions: fc.constant(VERSIONS),
}, { noNullPrototype: true });

Deno.test("StreamReader reads a push/pull from pieces of any size", () => {
  const parts = fc.record({
    isJoin: fc.boolean(),
    nodes: fc.array(node, { maxLength: 20 }),
    userState: fc.uint8Array({ maxLength: 500 }),
    form: fc.constantFrom("plain", "compressed"),
    pieceBytes: fc.integer({ min: 1, max: 400 }),
  });
  fc.assert(fc.property(parts, ({ form, pieceBytes, ...state }) => {
    const plain = encodePushPull(state);
    const bytes = form === "plain" ? plain : encodeCompressed(plain);
    const reader = new StreamReader(PLAIN, "dialled_by_peer");
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const progress = reader.push(bytes.subarray(at, at + pieceBytes));
      if (at + pieceBytes < bytes.length) {
        assert.equal(progress.kind, "incomplete");
        continue;
      }
      assert.deepEqual(progress, {
        kind: "message",
        message: { kind: "push_pull", ...state },
      });
    }
  }));
});

Deno.test("StreamReader reads a user message behind its length", () => {
  const payload = Uint8Array.of(1, 2, 3);
  const reader = new StreamReader(PLAIN, "dialled_by_peer");
  assert.deepEqual(reader.push(encodeUserStream(payload)), {
    kind: "message",
    message: { kind: "user", payload },
  });
});

Deno.test("StreamReader refuses a header that promises too many nodes", () => {
  const bytes = new MsgpackWriter().byte(6).map(1)
    .text("Nodes").integer(1_000_000).finish();
  const reader = new StreamReader(PLAIN, "dialled_by_peer");
  assert.equal(reader.push(bytes).kind, "refused");
});
