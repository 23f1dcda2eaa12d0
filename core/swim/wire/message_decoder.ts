/**
 * Decodes the body of one memberlist message, after its type byte. Hostile
 * bytes give undefined, never an exception; unknown keys are stepped over and
 * missing ones are empty, as in Go. Byte fields are views of the packet: who
 * keeps one copies it.
 */
import { META_BYTES_MAX, NAME_BYTES_MAX } from "../limits.ts";
import {
  type Accusation,
  type Ack,
  type Alive,
  type IndirectPing,
  MESSAGE_TYPE,
  type Nack,
  type PacketMessage,
  type Ping,
  type PingSource,
} from "./messages.ts";
import { MsgpackReader } from "./msgpack_reader.ts";

export const U32_MAX = 0xffff_ffff;
export const PORT_MAX = 0xffff;
const ADDRESS_BYTES_MAX = 16;
const VERSIONS_BYTES = 6;
const EMPTY = new Uint8Array(0);

/** The message whose type byte and body `bytes` are; undefined if damaged. */
export function decodeMessage(bytes: Uint8Array): PacketMessage | undefined {
  const reader = new MsgpackReader(bytes, 1);
  const message = decodeBody(bytes, reader);
  return reader.ok ? message : undefined;
}

function decodeBody(
  bytes: Uint8Array,
  reader: MsgpackReader,
): PacketMessage | undefined {
  switch (bytes[0]) {
    case MESSAGE_TYPE.ping:
      return readPing(reader);
    case MESSAGE_TYPE.indirectPing:
      return readIndirectPing(reader);
    case MESSAGE_TYPE.ack:
      return readAck(reader);
    case MESSAGE_TYPE.nack:
      return readNack(reader);
    case MESSAGE_TYPE.suspect:
      return readAccusation(reader, "suspect");
    case MESSAGE_TYPE.dead:
      return readAccusation(reader, "dead");
    case MESSAGE_TYPE.alive:
      return readAlive(reader);
    case MESSAGE_TYPE.user:
      return { kind: "user", payload: bytes.subarray(1) };
    default:
      return undefined;
  }
}

export function readPing(reader: MsgpackReader): Ping {
  let seqNo = 0;
  let node = "";
  const source = { address: EMPTY as Uint8Array, port: 0, name: "" };
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "SeqNo") seqNo = reader.unsigned(U32_MAX);
    else if (key === "Node") node = reader.text(NAME_BYTES_MAX);
    else if (!readSource(reader, key, source)) reader.skip();
  }
  return { kind: "ping", seqNo, node, source };
}

export function readAck(reader: MsgpackReader): Ack {
  let seqNo = 0;
  let payload: Uint8Array = EMPTY;
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "SeqNo") seqNo = reader.unsigned(U32_MAX);
    else if (key === "Payload") payload = reader.raw();
    else reader.skip();
  }
  return { kind: "ack", seqNo, payload };
}

function readIndirectPing(reader: MsgpackReader): IndirectPing {
  let [seqNo, port, node, wantsNack] = [0, 0, "", false];
  let target: Uint8Array = EMPTY;
  const source = { address: EMPTY as Uint8Array, port: 0, name: "" };
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "SeqNo") seqNo = reader.unsigned(U32_MAX);
    else if (key === "Target") target = reader.raw(ADDRESS_BYTES_MAX);
    else if (key === "Port") port = reader.unsigned(PORT_MAX);
    else if (key === "Node") node = reader.text(NAME_BYTES_MAX);
    else if (key === "Nack") wantsNack = reader.boolean();
    else if (!readSource(reader, key, source)) reader.skip();
  }
  return {
    kind: "indirect_ping",
    seqNo,
    target,
    port,
    node,
    wantsNack,
    source,
  };
}

function readNack(reader: MsgpackReader): Nack {
  let seqNo = 0;
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    if (reader.text() === "SeqNo") seqNo = reader.unsigned(U32_MAX);
    else reader.skip();
  }
  return { kind: "nack", seqNo };
}

function readAccusation(
  reader: MsgpackReader,
  kind: Accusation["kind"],
): Accusation {
  let [incarnation, node, from] = [0, "", ""];
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "Incarnation") incarnation = reader.unsigned(U32_MAX);
    else if (key === "Node") node = reader.text(NAME_BYTES_MAX);
    else if (key === "From") from = reader.text(NAME_BYTES_MAX);
    else reader.skip();
  }
  return { kind, incarnation, node, from };
}

function readAlive(reader: MsgpackReader): Alive {
  let [incarnation, node, port] = [0, "", 0];
  let [address, meta, versions]: Uint8Array[] = [EMPTY, EMPTY, EMPTY];
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "Incarnation") incarnation = reader.unsigned(U32_MAX);
    else if (key === "Node") node = reader.text(NAME_BYTES_MAX);
    else if (key === "Addr") address = reader.raw(ADDRESS_BYTES_MAX);
    else if (key === "Port") port = reader.unsigned(PORT_MAX);
    else if (key === "Meta") meta = reader.raw(META_BYTES_MAX);
    else if (key === "Vsn") versions = readVersions(reader);
    else reader.skip();
  }
  return {
    kind: "alive",
    incarnation,
    node,
    address: address!,
    port,
    meta: meta!,
    versions: versions!,
  };
}

/** The six version bytes; shorter if the peer sent fewer. */
export function readVersions(reader: MsgpackReader): Uint8Array {
  return reader.raw(VERSIONS_BYTES);
}

function readSource(
  reader: MsgpackReader,
  key: string,
  into: { -readonly [Key in keyof PingSource]: PingSource[Key] },
): boolean {
  if (key === "SourceAddr") {
    into.address = reader.raw(ADDRESS_BYTES_MAX);
  } else if (key === "SourcePort") into.port = reader.unsigned(PORT_MAX);
  else if (key === "SourceNode") into.name = reader.text(NAME_BYTES_MAX);
  else return false;
  return true;
}
