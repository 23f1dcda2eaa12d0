/**
 * Decodes serf's messages. As everywhere in `wire`, hostile bytes give
 * undefined, never an exception. Lamport times are below 2^53 or corrupt:
 * a larger one could only be an attempt to stop the clock.
 */
import { NAME_BYTES_MAX } from "../limits.ts";
import { PORT_MAX, U32_MAX } from "./message_decoder.ts";
import { MsgpackReader } from "./msgpack_reader.ts";
import {
  type JoinIntent,
  type LeaveIntent,
  type Query,
  type QueryResponse,
  type Relay,
  SERF_TYPE,
  type SerfMessage,
  type UserEvent,
} from "./serf_messages.ts";

/** One is kept free, so that "this time + 1" is still exact. */
export const LAMPORT_MAX = Number.MAX_SAFE_INTEGER - 1;
const NANOSECONDS_PER_MS = 1_000_000;
const FILTERS_MAX = 64;
const EMPTY = new Uint8Array(0);

export function decodeSerfMessage(bytes: Uint8Array): SerfMessage | undefined {
  const reader = new MsgpackReader(bytes, 1);
  const message = decodeBody(bytes, reader);
  return reader.ok ? message : undefined;
}

function decodeBody(
  bytes: Uint8Array,
  reader: MsgpackReader,
): SerfMessage | undefined {
  switch (bytes[0]) {
    case SERF_TYPE.leave:
      return readLeave(reader);
    case SERF_TYPE.join:
      return readJoin(reader);
    case SERF_TYPE.userEvent:
      return readUserEvent(reader);
    case SERF_TYPE.query:
      return readQuery(reader);
    case SERF_TYPE.queryResponse:
      return readQueryResponse(reader);
    case SERF_TYPE.relay:
      return readRelay(bytes, reader);
    default:
      return undefined;
  }
}

function readJoin(reader: MsgpackReader): JoinIntent {
  let [lamportTime, node] = [0, ""];
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "LTime") lamportTime = reader.unsigned(LAMPORT_MAX);
    else if (key === "Node") node = reader.text(NAME_BYTES_MAX);
    else reader.skip();
  }
  return { kind: "join", lamportTime, node };
}

function readLeave(reader: MsgpackReader): LeaveIntent {
  let [lamportTime, node, isPrune] = [0, "", false];
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "LTime") lamportTime = reader.unsigned(LAMPORT_MAX);
    else if (key === "Node") node = reader.text(NAME_BYTES_MAX);
    else if (key === "Prune") isPrune = reader.boolean();
    else reader.skip();
  }
  return { kind: "leave", lamportTime, node, isPrune };
}

function readUserEvent(reader: MsgpackReader): UserEvent {
  let [lamportTime, name, canCoalesce] = [0, "", false];
  let payload: Uint8Array = EMPTY;
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "LTime") lamportTime = reader.unsigned(LAMPORT_MAX);
    else if (key === "Name") name = reader.text();
    else if (key === "Payload") payload = reader.raw().slice();
    else if (key === "CC") canCoalesce = reader.boolean();
    else reader.skip();
  }
  return { kind: "user_event", lamportTime, name, payload, canCoalesce };
}

function readQuery(reader: MsgpackReader): Query {
  const query: { -readonly [Key in keyof Query]: Query[Key] } = {
    kind: "query",
    lamportTime: 0,
    id: 0,
    address: EMPTY,
    port: 0,
    sourceNode: "",
    filters: [],
    flags: 0,
    relayFactor: 0,
    timeoutMs: 0,
    name: "",
    payload: EMPTY,
  };
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    readQueryField(reader, query);
  }
  return query;
}

function readQueryField(
  reader: MsgpackReader,
  query: { -readonly [Key in keyof Query]: Query[Key] },
): void {
  switch (reader.text()) {
    case "LTime":
      query.lamportTime = reader.unsigned(LAMPORT_MAX);
      return;
    case "ID":
      query.id = reader.unsigned(U32_MAX);
      return;
    case "Addr":
      query.address = reader.raw(16).slice();
      return;
    case "Port":
      query.port = reader.unsigned(PORT_MAX);
      return;
    case "SourceNode":
      query.sourceNode = reader.text(NAME_BYTES_MAX);
      return;
    case "Filters":
      query.filters = readFilters(reader);
      return;
    case "Flags":
      query.flags = reader.unsigned(U32_MAX);
      return;
    case "RelayFactor":
      query.relayFactor = reader.unsigned(0xff);
      return;
    case "Timeout":
      query.timeoutMs = Math.ceil(
        reader.unsigned(Number.MAX_SAFE_INTEGER) / NANOSECONDS_PER_MS,
      );
      return;
    case "Name":
      query.name = reader.text();
      return;
    case "Payload":
      query.payload = reader.raw().slice();
      return;
    default:
      reader.skip();
  }
}

function readFilters(reader: MsgpackReader): Uint8Array[] {
  const filters: Uint8Array[] = [];
  for (let left = reader.array(); left > 0 && reader.ok; left--) {
    const filter = reader.raw().slice();
    if (filters.length < FILTERS_MAX) filters.push(filter);
  }
  return filters;
}

function readQueryResponse(reader: MsgpackReader): QueryResponse {
  let [lamportTime, id, from, flags] = [0, 0, "", 0];
  let payload: Uint8Array = EMPTY;
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "LTime") lamportTime = reader.unsigned(LAMPORT_MAX);
    else if (key === "ID") id = reader.unsigned(U32_MAX);
    else if (key === "From") from = reader.text(NAME_BYTES_MAX);
    else if (key === "Flags") flags = reader.unsigned(U32_MAX);
    else if (key === "Payload") payload = reader.raw().slice();
    else reader.skip();
  }
  return { kind: "query_response", lamportTime, id, from, flags, payload };
}

function readRelay(bytes: Uint8Array, reader: MsgpackReader): Relay {
  let port = 0;
  let address: Uint8Array = EMPTY;
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    if (reader.text() !== "DestAddr") {
      reader.skip();
      continue;
    }
    for (let inner = reader.map(); inner > 0 && reader.ok; inner--) {
      const key = reader.text();
      if (key === "IP") address = reader.raw(16).slice();
      else if (key === "Port") port = reader.unsigned(PORT_MAX);
      else reader.skip();
    }
  }
  const message = bytes.subarray(reader.position);
  return { kind: "relay", address, port, message };
}
