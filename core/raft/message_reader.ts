/**
 * The body of a Raft message from bytes, with the checks that later code relies
 * on; codec.ts draws the layout. Everything else is `corrupt`.
 */
import { unreachable } from "../assert.ts";
import { type LogIndex, logIndex, offset, type Term, term } from "../ids.ts";
import type { ByteReader } from "./byte_codec.ts";
import { readConfiguration } from "./configuration_codec.ts";
import type {
  Append,
  Envelope,
  Message,
  ReceivedEntry,
  Snapshot,
} from "./messages.ts";

/** Splits raw log bytes into entries; throws `corrupt`. */
export type EntryParser = (raw: Uint8Array) => readonly ReceivedEntry[];

export interface Parts {
  readonly kind: Message["kind"];
  readonly envelope: Envelope;
  readonly parseEntries: EntryParser;
}

export function readBody(reader: ByteReader, parts: Parts): Message {
  const { kind, envelope } = parts;
  switch (kind) {
    case "pre_vote_request":
      return { kind, ...envelope, ...readLogEnd(reader) };
    case "vote_request": {
      const end = readLogEnd(reader);
      const cause = readChoice(reader, ["timeout", "transfer"]);
      return { kind, ...envelope, ...end, cause };
    }
    case "pre_vote_response":
    case "vote_response": {
      const vote = readChoice(reader, ["refused", "granted"]);
      return { kind, ...envelope, vote };
    }
    case "append":
      return readAppend(reader, parts);
    case "append_accepted":
      return { kind, ...envelope, matchIndex: readIndex(reader) };
    case "append_rejected": {
      const prevIndex = readIndex(reader);
      const hintIndex = readIndex(reader);
      return {
        kind,
        ...envelope,
        prevIndex,
        hintIndex,
        hintTerm: readTerm(reader),
      };
    }
    case "heartbeat": {
      const commitIndex = readIndex(reader);
      return { kind, ...envelope, commitIndex, round: reader.u64() };
    }
    case "heartbeat_response":
      return { kind, ...envelope, round: reader.u64() };
    case "snapshot":
      return readSnapshot(reader, envelope);
    case "snapshot_response": {
      const startIndex = readIndex(reader);
      return { kind, ...envelope, startIndex, position: reader.u64() };
    }
    case "timeout_now":
      return { kind, ...envelope };
    case "read_request":
      return { kind, ...envelope, context: reader.u64() };
    case "read_response": {
      const context = reader.u64();
      return { kind, ...envelope, context, index: readIndex(reader) };
    }
    default:
      return unreachable(kind);
  }
}

/** Entries must follow prevIndex without gaps, with terms that fit. */
function readAppend(reader: ByteReader, parts: Parts): Append {
  const prevIndex = readIndex(reader);
  const prevTerm = readTerm(reader);
  const commitIndex = readIndex(reader);
  const raw = reader.rest();
  const entries = raw.length > 0 ? parts.parseEntries(raw) : [];
  let last = { index: prevIndex, term: prevTerm };
  for (const entry of entries) {
    if (entry.index !== last.index + 1) {
      reader.fail("entries are not contiguous");
    }
    if (entry.term < last.term) reader.fail("terms of entries fall");
    last = entry;
  }
  if (last.term > parts.envelope.term) {
    reader.fail("an entry is of a later term than the message");
  }
  const head = { prevIndex, prevTerm, commitIndex };
  return { kind: "append", ...parts.envelope, ...head, entries };
}

function readSnapshot(reader: ByteReader, envelope: Envelope): Snapshot {
  const start = {
    index: readIndex(reader),
    term: readTerm(reader),
    nextOffset: offset(reader.u64()),
  };
  const configuration = readConfiguration(reader);
  const position = reader.u64();
  const stateSizeBytes = reader.u64();
  const stateChecksum = reader.u32();
  const chunk = reader.rest();
  if (position + chunk.length > stateSizeBytes) {
    reader.fail("the chunk ends after the state");
  }
  if (start.term > envelope.term) reader.fail("the start is of a later term");
  const state = { stateSizeBytes, stateChecksum, chunk };
  const body = { start, configuration, position, ...state };
  return { kind: "snapshot", ...envelope, ...body };
}

function readLogEnd(
  reader: ByteReader,
): { lastIndex: LogIndex; lastTerm: Term } {
  return { lastIndex: readIndex(reader), lastTerm: readTerm(reader) };
}

function readIndex(reader: ByteReader): LogIndex {
  return logIndex(reader.u64());
}

function readTerm(reader: ByteReader): Term {
  return term(reader.u64());
}

/** One byte, the position in `choices`. */
function readChoice<T extends string>(
  reader: ByteReader,
  choices: readonly T[],
): T {
  return choices[reader.u8()] ?? reader.fail("a choice is unknown");
}
