/**
 * Bytes of Raft messages between nodes. Entries travel as the raw bytes of the
 * log: encoding appends them, decoding hands them to a parser that the owner of
 * the log format provides. Permanent; numbers are big-endian.
 *
 *   +------------+---------+----------+-----------+---------+----------+------+
 *   | version u8 | kind u8 | log text | from text | to text | term u64 | body |
 *   +------------+---------+----------+-----------+---------+----------+------+
 *
 *   text      length u8, UTF-8        vote u8   0 refused, 1 granted
 *   start     index u64 | term u64 | nextOffset u64
 *
 *    1 pre_vote_request    lastIndex u64 | lastTerm u64
 *    2 pre_vote_response   vote
 *    3 vote_request        lastIndex u64 | lastTerm u64 | cause u8 (0 timeout, 1 transfer)
 *    4 vote_response       vote
 *    5 append              prevIndex u64 | prevTerm u64 | commitIndex u64 | raw entries
 *    6 append_accepted     matchIndex u64
 *    7 append_rejected     prevIndex u64 | hintIndex u64 | hintTerm u64
 *    8 heartbeat           commitIndex u64 | round u64
 *    9 heartbeat_response  round u64
 *   10 snapshot            start | configuration | position u64 | stateSize u64 |
 *                         stateCrc u32 | chunk
 *   11 snapshot_response   startIndex u64 | position u64
 *   12 timeout_now
 *   13 read_request        context u64
 *   14 read_response       context u64 | index u64
 */
import { assert } from "../assert.ts";
import { term } from "../ids.ts";
import { ByteReader, ByteWriter } from "./byte_codec.ts";
import { type EntryParser, readBody } from "./message_reader.ts";
import { writeBody } from "./message_writer.ts";
import type { Message, Outgoing } from "./messages.ts";

export type { EntryParser };

const VERSION = 1;

const KINDS = [
  undefined,
  "pre_vote_request",
  "pre_vote_response",
  "vote_request",
  "vote_response",
  "append",
  "append_accepted",
  "append_rejected",
  "heartbeat",
  "heartbeat_response",
  "snapshot",
  "snapshot_response",
  "timeout_now",
  "read_request",
  "read_response",
] as const satisfies readonly (Message["kind"] | undefined)[];

/** What the runtime read for an order: raw entries, or a chunk of the state. */
export type Attachment =
  | { readonly kind: "entries"; readonly raw: readonly Uint8Array[] }
  | {
    readonly kind: "state";
    readonly stateSizeBytes: number;
    readonly stateChecksum: number;
    readonly chunk: Uint8Array;
  };

/** The message in parts that go out one after the other; attachments are not copied. */
export function encodeMessage(
  message: Outgoing,
  attachment?: Attachment,
): Uint8Array[] {
  const writer = new ByteWriter();
  writer.u8(VERSION);
  writer.u8(KINDS.indexOf(message.kind));
  writer.text(message.log);
  writer.text(message.from);
  writer.text(message.to);
  writer.u64(message.term);
  writeBody(writer, message);
  if (attachment === undefined) {
    assert(message.kind !== "snapshot", "A snapshot message has a chunk");
    return [writer.finish()];
  }
  if (attachment.kind === "entries") {
    return [writer.finish(), ...attachment.raw];
  }
  writer.u64(attachment.stateSizeBytes);
  writer.u32(attachment.stateChecksum);
  return [writer.finish(), attachment.chunk];
}

/** Throws `corrupt` on anything that `encodeMessage` cannot have made. */
export function decodeMessage(
  bytes: Uint8Array,
  parseEntries: EntryParser,
): Message {
  const reader = new ByteReader(bytes, "a Raft message");
  const version = reader.u8();
  if (version !== VERSION) reader.fail(`version ${version} is unknown`);
  const kind = KINDS[reader.u8()] ?? reader.fail("the kind is unknown");
  const envelope = {
    log: reader.text(),
    from: reader.text(),
    to: reader.text(),
    term: term(reader.u64()),
  };
  const message = readBody(reader, { kind, envelope, parseEntries });
  reader.end();
  return message;
}
