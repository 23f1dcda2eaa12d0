/** The examples of RFC 7541 appendix C, read and written. */
import assert from "node:assert/strict";
import { HpackDecoder } from "../../../../net/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../../net/http2/hpack/encoder.ts";
import type { Indexing } from "../../../../net/http2/hpack/indexing.ts";
import type { HeaderList } from "../../../../net/http2/mod.ts";
import { fromHex, toHex } from "./hex.ts";

const LIMITS = { tableBytes: 4_096, listMaxBytes: 65_536, fieldsMax: 100 };

interface Example {
  readonly name: string;
  readonly hex: string;
  readonly headers: HeaderList;
  readonly tableSizeBytes: number;
}

function decode(
  decoder: HpackDecoder<never>,
  hex: string,
): HeaderList {
  const bytes = fromHex(hex);
  const result = decoder.decode(bytes, 0, bytes.length);
  assert.equal(result.kind, "list");
  return result.kind === "list" ? result.block.headers : [];
}

function encode(encoder: HpackEncoder, headers: HeaderList): string {
  const into = new Uint8Array(HpackEncoder.boundBytes(headers));
  return toHex(into.subarray(0, encoder.encode(headers, into, 0)));
}

const SINGLE_FIELDS: readonly (Example & { readonly rule: Indexing })[] = [
  {
    name: "C.2.1 literal with indexing",
    hex: "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
    headers: [["custom-key", "custom-header"]],
    tableSizeBytes: 55,
    rule: "indexed",
  },
  {
    name: "C.2.2 literal without indexing",
    hex: "040c 2f73 616d 706c 652f 7061 7468",
    headers: [[":path", "/sample/path"]],
    tableSizeBytes: 0,
    rule: "not_indexed",
  },
  {
    name: "C.2.3 literal never indexed",
    hex: "1008 7061 7373 776f 7264 0673 6563 7265 74",
    headers: [["password", "secret"]],
    tableSizeBytes: 0,
    rule: "never_indexed",
  },
  {
    name: "C.2.4 indexed field",
    hex: "82",
    headers: [[":method", "GET"]],
    tableSizeBytes: 0,
    rule: "indexed",
  },
];

for (const example of SINGLE_FIELDS) {
  Deno.test(`decode() and encode() agree with ${example.name}`, () => {
    const decoder = new HpackDecoder<never>(LIMITS);
    assert.deepEqual(decode(decoder, example.hex), example.headers);
    assert.equal(decoder.tableSizeBytes, example.tableSizeBytes);
    const encoder = new HpackEncoder({
      capacityMaxBytes: 4_096,
      rule: () => example.rule,
      text: "plain",
    });
    assert.equal(encode(encoder, example.headers), toHex(fromHex(example.hex)));
    assert.equal(encoder.tableSizeBytes, example.tableSizeBytes);
  });
}

const GET = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "www.example.com"],
] as const;
const REQUESTS: readonly HeaderList[] = [
  GET,
  [...GET, ["cache-control", "no-cache"]],
  [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/index.html"],
    [":authority", "www.example.com"],
    ["custom-key", "custom-value"],
  ],
];
const REQUEST_TABLE_BYTES = [57, 110, 164];

const MOVED = [
  ["cache-control", "private"],
  ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
  ["location", "https://www.example.com"],
] as const;
const RESPONSES: readonly HeaderList[] = [
  [[":status", "302"], ...MOVED],
  [[":status", "307"], ...MOVED],
  [
    [":status", "200"],
    ["cache-control", "private"],
    ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
    ["location", "https://www.example.com"],
    ["content-encoding", "gzip"],
    [
      "set-cookie",
      "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
  ],
];
const RESPONSE_TABLE_BYTES = [222, 222, 215];

/** Size update to 256 bytes, which the examples of responses take for granted. */
const UPDATE_TO_256 = "3fe101";

const SEQUENCES = [
  {
    name: "C.3 requests without Huffman",
    text: "plain",
    capacityMaxBytes: 4_096,
    lists: REQUESTS,
    tableSizesBytes: REQUEST_TABLE_BYTES,
    hexes: [
      "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "8286 84be 5808 6e6f 2d63 6163 6865",
      "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ],
  },
  {
    name: "C.4 requests with Huffman",
    text: "huffman",
    capacityMaxBytes: 4_096,
    lists: REQUESTS,
    tableSizesBytes: REQUEST_TABLE_BYTES,
    hexes: [
      "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
      "8286 84be 5886 a8eb 1064 9cbf",
      "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ],
  },
  {
    name: "C.5 responses without Huffman, with eviction",
    text: "plain",
    capacityMaxBytes: 256,
    lists: RESPONSES,
    tableSizesBytes: RESPONSE_TABLE_BYTES,
    hexes: [
      UPDATE_TO_256 +
      "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420" +
      "3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77" +
      "7777 2e65 7861 6d70 6c65 2e63 6f6d",
      "4803 3330 37c1 c0bf",
      "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32" +
      "3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a" +
      "584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33" +
      "3630 303b 2076 6572 7369 6f6e 3d31",
    ],
  },
  {
    name: "C.6 responses with Huffman, with eviction",
    text: "huffman",
    capacityMaxBytes: 256,
    lists: RESPONSES,
    tableSizesBytes: RESPONSE_TABLE_BYTES,
    hexes: [
      UPDATE_TO_256 +
      "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81" +
      "66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
      "4883 640e ffc1 c0bf",
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a" +
      "839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36" +
      "72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ],
  },
] as const;

for (const sequence of SEQUENCES) {
  Deno.test(`decode() and encode() agree with ${sequence.name}`, () => {
    const decoder = new HpackDecoder<never>(LIMITS);
    const encoder = new HpackEncoder({
      capacityMaxBytes: sequence.capacityMaxBytes,
      rule: () => "indexed",
      text: sequence.text,
    });
    sequence.lists.forEach((headers, place) => {
      const hex = sequence.hexes[place]!;
      assert.deepEqual(decode(decoder, hex), headers);
      assert.equal(decoder.tableSizeBytes, sequence.tableSizesBytes[place]);
      assert.equal(encode(encoder, headers), toHex(fromHex(hex)));
      assert.equal(encoder.tableSizeBytes, sequence.tableSizesBytes[place]);
    });
  });
}
