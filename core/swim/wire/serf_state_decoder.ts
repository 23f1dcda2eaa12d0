/**
 * Decodes serf's part of a push/pull. It can be megabytes of a stream, so
 * every count in it has a bound before anything is made of it.
 */
import {
  EVENT_RING_SLOT_MESSAGES_MAX,
  NAME_BYTES_MAX,
  PUSH_PULL_NODES_MAX,
} from "../limits.ts";
import { MsgpackReader } from "./msgpack_reader.ts";
import { LAMPORT_MAX } from "./serf_decoder.ts";
import {
  type RecentEvents,
  SERF_TYPE,
  type SerfState,
} from "./serf_messages.ts";

const NAMES_MAX = PUSH_PULL_NODES_MAX;
/** Go's ring has 512 slots; others may have more. */
const SLOTS_MAX = 4096;
const EMPTY = new Uint8Array(0);

/** Serf's part of a push/pull; undefined if damaged or not serf's. */
export function decodeSerfState(bytes: Uint8Array): SerfState | undefined {
  if (bytes[0] !== SERF_TYPE.pushPull) return undefined;
  const reader = new MsgpackReader(bytes, 1);
  let [lamportTime, eventTime, queryTime] = [0, 0, 0];
  let statusTimes = new Map<string, number>();
  let leftMembers: string[] = [];
  let events: RecentEvents[] = [];
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "LTime") lamportTime = reader.unsigned(LAMPORT_MAX);
    else if (key === "StatusLTimes") statusTimes = readTimes(reader);
    else if (key === "LeftMembers") leftMembers = readNames(reader);
    else if (key === "EventLTime") eventTime = reader.unsigned(LAMPORT_MAX);
    else if (key === "Events") events = readEvents(reader);
    else if (key === "QueryLTime") queryTime = reader.unsigned(LAMPORT_MAX);
    else reader.skip();
  }
  if (!reader.ok) return undefined;
  return {
    lamportTime,
    statusTimes,
    leftMembers,
    eventTime,
    events,
    queryTime,
  };
}

function readTimes(reader: MsgpackReader): Map<string, number> {
  const times = new Map<string, number>();
  for (let left = reader.map(NAMES_MAX); left > 0 && reader.ok; left--) {
    const name = reader.text(NAME_BYTES_MAX);
    times.set(name, reader.unsigned(LAMPORT_MAX));
  }
  return times;
}

function readNames(reader: MsgpackReader): string[] {
  const names: string[] = [];
  for (let left = reader.array(NAMES_MAX); left > 0 && reader.ok; left--) {
    names.push(reader.text(NAME_BYTES_MAX));
  }
  return names;
}

/** Go sends its whole ring of 512, mostly nil. */
function readEvents(reader: MsgpackReader): RecentEvents[] {
  const slots: RecentEvents[] = [];
  for (let left = reader.array(SLOTS_MAX); left > 0 && reader.ok; left--) {
    if (!reader.takeNil()) slots.push(readSlot(reader));
  }
  return slots;
}

function readSlot(reader: MsgpackReader): RecentEvents {
  let lamportTime = 0;
  const events: { name: string; payload: Uint8Array }[] = [];
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "LTime") lamportTime = reader.unsigned(LAMPORT_MAX);
    else if (key === "Events") {
      const count = reader.array(EVENT_RING_SLOT_MESSAGES_MAX);
      for (let inner = count; inner > 0 && reader.ok; inner--) {
        events.push(readEventEntry(reader));
      }
    } else reader.skip();
  }
  return { lamportTime, events };
}

function readEventEntry(reader: MsgpackReader) {
  let name = "";
  let payload: Uint8Array = EMPTY;
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "Name") name = reader.text();
    else if (key === "Payload") payload = reader.raw().slice();
    else reader.skip();
  }
  return { name, payload };
}
