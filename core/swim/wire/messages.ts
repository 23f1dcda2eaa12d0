/**
 * The messages of memberlist as values, and their encoding. Keys are written
 * sorted by name, as go-msgpack 0.5.3 does, so that our bytes equal Go's.
 * (memberlist-wire sections 2 and 4)
 */
import { MsgpackWriter } from "./msgpack_writer.ts";

/** First byte of every message. These numbers are on the wire: permanent. */
export const MESSAGE_TYPE = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nack: 11,
  hasCrc: 12,
  error: 13,
  hasLabel: 244,
} as const;

/** Who sent a ping, so that the answer finds its way past address changes. */
export interface PingSource {
  readonly address: Uint8Array;
  readonly port: number;
  readonly name: string;
}

export interface Ping {
  readonly kind: "ping";
  readonly seqNo: number;
  /** The name that the sender means; empty for "whoever is there". */
  readonly node: string;
  readonly source: PingSource;
}

export interface IndirectPing {
  readonly kind: "indirect_ping";
  readonly seqNo: number;
  readonly target: Uint8Array;
  readonly port: number;
  readonly node: string;
  readonly wantsNack: boolean;
  readonly source: PingSource;
}

export interface Ack {
  readonly kind: "ack";
  readonly seqNo: number;
  readonly payload: Uint8Array;
}

export interface Nack {
  readonly kind: "nack";
  readonly seqNo: number;
}

/** A claim that `node` is suspect or dead; dead with node = from is a leave. */
export interface Accusation {
  readonly kind: "suspect" | "dead";
  readonly incarnation: number;
  readonly node: string;
  readonly from: string;
}

export interface Alive {
  readonly kind: "alive";
  readonly incarnation: number;
  readonly node: string;
  /** 4 or 16 address bytes, verbatim. */
  readonly address: Uint8Array;
  readonly port: number;
  readonly meta: Uint8Array;
  /** [pmin, pmax, pcur, dmin, dmax, dcur] */
  readonly versions: Uint8Array;
}

export interface UserMessage {
  readonly kind: "user";
  readonly payload: Uint8Array;
}

export interface ErrorMessage {
  readonly kind: "error";
  readonly error: string;
}

/** What one packet can carry, unwrapped. */
export type PacketMessage =
  | Ping
  | IndirectPing
  | Ack
  | Nack
  | Accusation
  | Alive
  | UserMessage;

export function encodePing(ping: Omit<Ping, "kind">): Uint8Array {
  const writer = new MsgpackWriter().byte(MESSAGE_TYPE.ping);
  writer.map(2 + sourceFields(ping.source));
  writer.text("Node").text(ping.node);
  writer.text("SeqNo").integer(ping.seqNo);
  writeSource(writer, ping.source);
  return writer.finish();
}

export function encodeIndirectPing(
  ping: Omit<IndirectPing, "kind">,
): Uint8Array {
  const writer = new MsgpackWriter().byte(MESSAGE_TYPE.indirectPing);
  writer.map(5 + sourceFields(ping.source));
  writer.text("Nack").boolean(ping.wantsNack);
  writer.text("Node").text(ping.node);
  writer.text("Port").integer(ping.port);
  writer.text("SeqNo").integer(ping.seqNo);
  writeSource(writer, ping.source);
  writer.text("Target").raw(ping.target);
  return writer.finish();
}

export function encodeAck(ack: Omit<Ack, "kind">): Uint8Array {
  const writer = new MsgpackWriter().byte(MESSAGE_TYPE.ack).map(2);
  writer.text("Payload");
  if (ack.payload.length === 0) writer.nil();
  else writer.raw(ack.payload);
  return writer.text("SeqNo").integer(ack.seqNo).finish();
}

export function encodeNack(seqNo: number): Uint8Array {
  return new MsgpackWriter().byte(MESSAGE_TYPE.nack).map(1)
    .text("SeqNo").integer(seqNo).finish();
}

export function encodeAccusation(accusation: Accusation): Uint8Array {
  return new MsgpackWriter()
    .byte(MESSAGE_TYPE[accusation.kind]).map(3)
    .text("From").text(accusation.from)
    .text("Incarnation").integer(accusation.incarnation)
    .text("Node").text(accusation.node).finish();
}

export function encodeAlive(alive: Omit<Alive, "kind">): Uint8Array {
  return new MsgpackWriter()
    .byte(MESSAGE_TYPE.alive).map(6)
    .text("Addr").raw(alive.address)
    .text("Incarnation").integer(alive.incarnation)
    .text("Meta").raw(alive.meta)
    .text("Node").text(alive.node)
    .text("Port").integer(alive.port)
    .text("Vsn").raw(alive.versions).finish();
}

export function encodeUserPacket(payload: Uint8Array): Uint8Array {
  return new MsgpackWriter(1 + payload.length)
    .byte(MESSAGE_TYPE.user).bytes(payload).finish();
}

export function encodeUserStream(payload: Uint8Array): Uint8Array {
  return new MsgpackWriter().byte(MESSAGE_TYPE.user).map(1)
    .text("UserMsgLen").integer(payload.length).bytes(payload).finish();
}

export function encodeError(error: string): Uint8Array {
  return new MsgpackWriter().byte(MESSAGE_TYPE.error).map(1)
    .text("Error").text(error).finish();
}

function sourceFields(source: PingSource): number {
  return (source.address.length > 0 ? 1 : 0) +
    (source.name === "" ? 0 : 1) + (source.port === 0 ? 0 : 1);
}

/** The three fields that Go omits when they are empty, sorted by name. */
function writeSource(writer: MsgpackWriter, source: PingSource): void {
  if (source.address.length > 0) writer.text("SourceAddr").raw(source.address);
  if (source.name !== "") writer.text("SourceNode").text(source.name);
  if (source.port !== 0) writer.text("SourcePort").integer(source.port);
}
