/**
 * The byte vectors of the wire description, section 11: what go-msgpack 0.5.3
 * and compress/lzw write. Each is read back as well.
 */
import assert from "node:assert/strict";
import { addChecksum } from "../../../../core/swim/wire/checksum.ts";
import {
  decodeCompound,
  encodeCompound,
} from "../../../../core/swim/wire/compound.ts";
import {
  encodeCompressed,
  readCompressed,
} from "../../../../core/swim/wire/compress.ts";
import { lzwCompress, lzwDecompress } from "../../../../core/swim/wire/lzw.ts";
import { decodeMessage } from "../../../../core/swim/wire/message_decoder.ts";
import {
  encodeAck,
  encodeAlive,
  encodePing,
  encodeUserPacket,
} from "../../../../core/swim/wire/messages.ts";
import { MsgpackReader } from "../../../../core/swim/wire/msgpack_reader.ts";
import {
  encodePushPull,
  PushPullDecoder,
} from "../../../../core/swim/wire/push_pull.ts";
import { decodeSerfMessage } from "../../../../core/swim/wire/serf_decoder.ts";
import { decodeSerfState } from "../../../../core/swim/wire/serf_state_decoder.ts";
import {
  encodeJoinIntent,
  encodeLeaveIntent,
  encodeSerfState,
} from "../../../../core/swim/wire/serf_messages.ts";
import { decodeTags, encodeTags } from "../../../../core/swim/wire/tags.ts";

const NO_BYTES = new Uint8Array(0);
const ADDRESS = Uint8Array.of(127, 0, 0, 1);
const VERSIONS = Uint8Array.of(1, 5, 2, 2, 5, 4);
const PING =
  "0085a44e6f6465a26e31a55365714e6f2aaa536f7572636541646472a47f000001aa536f757263654e6f6465a26e30aa536f75726365506f7274cd1f0a";
const ACK = "0282a75061796c6f6164c0a55365714e6f2a";
const META = "ff81a87270635f61646472ae3132372e302e302e313a38343030";
const TAGS = { rpc_addr: "127.0.0.1:8400" };

Deno.test("encodePing() writes the vector, and it reads back", () => {
  const source = { address: ADDRESS, port: 7946, name: "n0" };
  const ping = { seqNo: 42, node: "n1", source };
  assert.equal(hex(encodePing(ping)), PING);
  assert.deepEqual(decodeMessage(bytes(PING)), { kind: "ping", ...ping });
});

Deno.test("encodeAck() writes the vector, plain and with its checksum", () => {
  const ack = encodeAck({ seqNo: 42, payload: NO_BYTES });
  assert.equal(hex(ack), ACK);
  assert.equal(hex(addChecksum(ack)), `0ced14719a${ACK}`);
  assert.deepEqual(decodeMessage(ack), {
    kind: "ack",
    seqNo: 42,
    payload: NO_BYTES,
  });
});

Deno.test("encodeTags() writes the vector, and it reads back", () => {
  assert.equal(hex(encodeTags(TAGS)!), META);
  assert.deepEqual(decodeTags(bytes(META)), TAGS);
});

Deno.test("decodeTags() reads meta without the magic byte as a role", () => {
  assert.deepEqual(decodeTags(new TextEncoder().encode("web")), {
    role: "web",
  });
});

Deno.test("encodeAlive() writes the vector, and it reads back", () => {
  const alive = {
    incarnation: 1,
    node: "n1",
    address: ADDRESS,
    port: 8401,
    meta: bytes(META),
    versions: VERSIONS,
  };
  const encoded = encodeAlive(alive);
  assert.equal(
    hex(encoded),
    `0486a441646472a47f000001ab496e6361726e6174696f6e01a44d657461ba${META}a44e6f6465a26e31a4506f7274cd20d1a356736ea6010502020504`,
  );
  assert.deepEqual(decodeMessage(encoded), { kind: "alive", ...alive });
});

Deno.test("encodeCompound() writes the vector, and its parts come back", () => {
  const parts = [bytes(PING), bytes(ACK)];
  const compound = encodeCompound(parts);
  assert.equal(hex(compound), `0702003d0012${PING}${ACK}`);
  assert.deepEqual(decodeCompound(compound), parts);
});

Deno.test("encodePushPull() writes the vector, read back byte by byte", () => {
  const node = {
    name: "n1",
    address: ADDRESS,
    port: 8401,
    meta: bytes(META),
    incarnation: 1,
    status: "alive",
    versions: VERSIONS,
  } as const;
  const state = { isJoin: true, nodes: [node], userState: NO_BYTES };
  const encoded = encodePushPull(state);
  assert.equal(
    hex(encoded),
    `0683a44a6f696ec3a54e6f64657301ac5573657253746174654c656e0087a441646472a47f000001ab496e6361726e6174696f6e01a44d657461ba${META}a44e616d65a26e31a4506f7274cd20d1a5537461746500a356736ea6010502020504`,
  );
  const decoder = new PushPullDecoder(1);
  for (let length = 1; length < encoded.length; length++) {
    const progress = decoder.decode(encoded.subarray(0, length));
    assert.equal(progress.kind, "incomplete", `after ${length} bytes`);
  }
  assert.deepEqual(decoder.decode(encoded), {
    kind: "complete",
    message: { kind: "push_pull", ...state },
  });
});

Deno.test("encodeJoinIntent() and encodeLeaveIntent() write the vectors", () => {
  const join = encodeJoinIntent({ lamportTime: 1, node: "n1" });
  assert.equal(
    hex(encodeUserPacket(join)),
    "080182a54c54696d6501a44e6f6465a26e31",
  );
  const leave = { lamportTime: 2, node: "n1", isPrune: false };
  const encoded = encodeLeaveIntent(leave);
  assert.equal(
    hex(encodeUserPacket(encoded)),
    "080083a54c54696d6502a44e6f6465a26e31a55072756e65c2",
  );
  assert.deepEqual(decodeSerfMessage(encoded), { kind: "leave", ...leave });
});

Deno.test("encodeSerfState() writes the vector, and it reads back", () => {
  const state = {
    lamportTime: 3,
    statusTimes: new Map([["n1", 1]]),
    leftMembers: [],
    eventTime: 1,
    events: [],
    queryTime: 1,
  };
  const encoded = encodeSerfState(state);
  assert.equal(
    hex(encoded),
    "0286aa4576656e744c54696d6501a64576656e747390a54c54696d6503ab4c6566744d656d6265727390aa51756572794c54696d6501ac5374617475734c54696d657381a26e3101",
  );
  assert.deepEqual(decodeSerfState(encoded), state);
});

const LZW_VECTORS = [
  { name: "nothing", plain: "", packed: "0101" },
  {
    name: "ten times a",
    plain: "61616161616161616161",
    packed: "61040e241810",
  },
  {
    name: "Go's published text",
    plain: hex(new TextEncoder().encode("TOBEORNOTTOBEORTOBEORNOT")),
    packed: "549e0829f2448a932754041234b8b0e0c1840101",
  },
];

for (const { name, plain, packed } of LZW_VECTORS) {
  Deno.test(`lzwCompress() writes the vector of ${name}`, () => {
    assert.equal(hex(lzwCompress(bytes(plain))), packed);
    assert.equal(hex(lzwDecompress(bytes(packed), 1000)!), plain);
  });
}

Deno.test("lzwDecompress() takes a leading clear code", () => {
  const packed = bytes("0051fc1b2870a0c1830101");
  const plain = "28ffffff28" + "ff".repeat(10);
  assert.equal(hex(lzwDecompress(packed, 1000)!), plain);
});

Deno.test("encodeCompressed() writes the vector of 200 times a", () => {
  const message = new Uint8Array(200).fill(0x61);
  const encoded = encodeCompressed(message);
  assert.equal(
    hex(encoded),
    "0982a4416c676f00a3427566b861040e2458d0e0418409152e64d8d0e1438811254e541810",
  );
  assert.deepEqual(readCompressed(new MsgpackReader(encoded, 1), 200), message);
  assert.equal(readCompressed(new MsgpackReader(encoded, 1), 199), undefined);
});

function hex(value: Uint8Array): string {
  return value.toHex();
}

function bytes(text: string): Uint8Array {
  return Uint8Array.fromHex(text);
}
