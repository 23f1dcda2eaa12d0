/**
 * Messages as bytes: what is encoded is decoded, and damaged bytes are either
 * another valid message or `corrupt`, never anything else.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { concatBytes } from "../../../core/bytes.ts";
import { isProglogError, ProglogError } from "../../../core/errors.ts";
import { logIndex, offset, term } from "../../../core/ids.ts";
import {
  type Attachment,
  decodeMessage,
  encodeMessage,
} from "../../../core/raft/codec.ts";
import {
  decodeConfiguration,
  encodeConfiguration,
} from "../../../core/raft/configuration_codec.ts";
import { makeConfiguration } from "../../../core/raft/configuration.ts";
import type {
  Message,
  Outgoing,
  ReceivedEntry,
} from "../../../core/raft/messages.ts";

const ENTRY_SIZE_BYTES = 3;
const numbers = fc.maxSafeNat();
const indexes = numbers.map(logIndex);
const terms = numbers.map(term);
const texts = fc.string({ unit: "grapheme", maxLength: 20 });
const envelopes = fc.record({
  log: texts,
  from: texts,
  to: texts,
  term: terms,
});
const votes = fc.constantFrom("granted" as const, "refused" as const);

const configurations = fc.uniqueArray(
  fc.record({
    id: fc.string({ minLength: 1, maxLength: 8 }),
    name: texts,
    address: texts,
    role: fc.constantFrom("voter" as const, "learner" as const),
  }, { noNullPrototype: true }),
  { selector: (member) => member.id, maxLength: 5 },
).map(makeConfiguration);

const bodies = fc.oneof(
  kind("pre_vote_request", { lastIndex: indexes, lastTerm: terms }),
  kind("vote_request", {
    lastIndex: indexes,
    lastTerm: terms,
    cause: fc.constantFrom("timeout" as const, "transfer" as const),
  }),
  kind("pre_vote_response", { vote: votes }),
  kind("vote_response", { vote: votes }),
  kind("append_accepted", { matchIndex: indexes }),
  kind("append_rejected", {
    prevIndex: indexes,
    hintIndex: indexes,
    hintTerm: terms,
  }),
  kind("heartbeat", { commitIndex: indexes, round: numbers }),
  kind("heartbeat_response", { round: numbers }),
  kind("snapshot_response", { startIndex: indexes, position: numbers }),
  kind("timeout_now", {}),
  kind("read_request", { context: numbers }),
  kind("read_response", { context: numbers, index: indexes }),
);

const plain = fc.tuple(envelopes, bodies).map(([envelope, body]) =>
  ({ ...envelope, ...body }) as Message & Outgoing
);

Deno.test("decodeMessage() gives back what encodeMessage() got", () => {
  fc.assert(fc.property(plain, (message) => {
    assert.deepEqual(decode(encodeMessage(message)), message);
  }));
});

Deno.test("decodeMessage() gives back entries as the raw bytes they were", () => {
  const counts = fc.nat({ max: 5 });
  fc.assert(fc.property(envelopes, counts, (envelope, count) => {
    const entries = Array.from({ length: count }, (_, at) => entry(8 + at));
    const append = {
      ...envelope,
      kind: "append" as const,
      term: term(9),
      prevIndex: logIndex(7),
      prevTerm: term(3),
      commitIndex: logIndex(5),
    };
    const raw = entries.map((it) => it.raw);
    const parts = encodeMessage({ ...append, range: undefined }, {
      kind: "entries",
      raw,
    });
    assert.deepEqual(decode(parts), { ...append, entries });
    raw.forEach((bytes, at) => assert.equal(parts[1 + at], bytes));
  }));
});

Deno.test("decodeMessage() gives back a chunk of the state", () => {
  const { message, attachment } = snapshotOf(new Uint8Array([1, 2, 3]));
  const { chunkBytesMax: _, ...head } = message;
  const { chunk, stateSizeBytes, stateChecksum } = attachment;
  assert.deepEqual(
    decode(encodeMessage(message, attachment)),
    { ...head, chunk, stateSizeBytes, stateChecksum },
  );
});

Deno.test("decodeMessage() answers damaged bytes with corrupt or another message", () => {
  const damage = fc.record({ at: fc.nat(), to: fc.nat({ max: 255 }) });
  fc.assert(fc.property(plain, damage, (message, { at, to }) => {
    const bytes = concatBytes(encodeMessage(message));
    bytes[at % bytes.length] = to;
    onlyCorrupt(() => decodeMessage(bytes, parse));
  }));
});

Deno.test("decodeMessage() answers every truncation with corrupt", () => {
  fc.assert(fc.property(plain, (message) => {
    const bytes = concatBytes(encodeMessage(message));
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(
        () => decodeMessage(bytes.subarray(0, length), parse),
        (error) => isProglogError(error, "corrupt"),
      );
    }
  }));
});

Deno.test("decodeMessage() takes any bytes without any other error", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    onlyCorrupt(() => decodeMessage(bytes, parse));
    bytes.set([1, 1 + (bytes[1] ?? 0) % 14].slice(0, bytes.length));
    onlyCorrupt(() => decodeMessage(bytes, parse));
  }));
});

const badAppends: Readonly<Record<string, readonly ReceivedEntry[]>> = {
  "entries that do not follow prevIndex": [entry(9)],
  "entries with a gap": [entry(8), entry(10)],
  "an entry of a later term than the message": [
    { ...entry(8), raw: new Uint8Array([8, 10, 0]) },
  ],
  "terms that fall": [entry(8), {
    ...entry(9),
    raw: new Uint8Array([9, 3, 0]),
  }],
};

for (const [name, entries] of Object.entries(badAppends)) {
  Deno.test(`decodeMessage() refuses ${name}`, () => {
    const message = {
      kind: "append" as const,
      log: "default",
      from: "a",
      to: "b",
      term: term(9),
      prevIndex: logIndex(7),
      prevTerm: term(4),
      commitIndex: logIndex(0),
      range: undefined,
    };
    const raw = entries.map((it) => it.raw);
    const parts = encodeMessage(message, { kind: "entries", raw });
    assert.throws(() => decode(parts), (e) => isProglogError(e, "corrupt"));
  });
}

Deno.test("decodeMessage() refuses a chunk that ends after the state", () => {
  const { message, attachment } = snapshotOf(new Uint8Array(3));
  const parts = encodeMessage(message, { ...attachment, stateSizeBytes: 4 });
  assert.throws(() => decode(parts), (e) => isProglogError(e, "corrupt"));
});

Deno.test("decodeConfiguration() gives back what encodeConfiguration() got", () => {
  fc.assert(fc.property(configurations, (configuration) => {
    const bytes = encodeConfiguration(configuration);
    assert.deepEqual(decodeConfiguration(bytes), configuration);
  }));
});

Deno.test("encodeConfiguration() refuses a name over 255 bytes", () => {
  const member = { id: "a", name: "x".repeat(256), address: "", role: "voter" };
  assert.throws(
    () => encodeConfiguration({ members: [member as never] }),
    (error) => isProglogError(error, "too_large"),
  );
});

function kind<K extends string, T>(
  name: K,
  fields: { [F in keyof T]: fc.Arbitrary<T[F]> },
): fc.Arbitrary<T & { kind: K }> {
  return fc.record(fields).map((body) =>
    ({ kind: name, ...body }) as T & { kind: K }
  );
}

/** Test entries are three bytes: index, term, a filler. */
function entry(index: number): ReceivedEntry {
  const raw = new Uint8Array([index, 4, 0]);
  return { kind: "data", index: logIndex(index), term: term(4), raw };
}

function parse(raw: Uint8Array): ReceivedEntry[] {
  if (raw.length % ENTRY_SIZE_BYTES !== 0) {
    throw new ProglogError("corrupt", "Cannot split entries");
  }
  const entries: ReceivedEntry[] = [];
  for (let from = 0; from < raw.length; from += ENTRY_SIZE_BYTES) {
    const bytes = raw.slice(from, from + ENTRY_SIZE_BYTES);
    entries.push({
      kind: "data",
      index: logIndex(bytes[0] ?? 0),
      term: term(bytes[1] ?? 0),
      raw: bytes,
    });
  }
  return entries;
}

function snapshotOf(chunk: Uint8Array) {
  const message = {
    kind: "snapshot" as const,
    log: "default",
    from: "a",
    to: "b",
    term: term(9),
    start: { index: logIndex(4), term: term(2), nextOffset: offset(40) },
    configuration: makeConfiguration([
      { id: "a", name: "one", address: "h:1", role: "voter" },
    ]),
    position: 2,
    chunkBytesMax: chunk.length,
  };
  const attachment: Attachment & { kind: "state" } = {
    kind: "state",
    stateSizeBytes: 5,
    stateChecksum: 0xfedcba98,
    chunk,
  };
  return { message, attachment };
}

function decode(parts: readonly Uint8Array[]): Message {
  return decodeMessage(concatBytes(parts), parse);
}

function onlyCorrupt(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isProglogError(error, "corrupt")) throw error;
  }
}
