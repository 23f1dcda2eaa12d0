/**
 * Wraps and unwraps packets, outermost first:
 *
 *   label -> encryption -> CRC -> compression -> message (maybe compound)
 *
 * Nothing in a packet can make this throw, recurse without end or expand past
 * the limits; what cannot be read is left out and counted.
 */
import {
  PACKET_EXPANDED_BYTES_MAX,
  PACKET_MESSAGES_MAX,
  PACKET_NESTING_MAX,
} from "../limits.ts";
import { addChecksum, checkChecksum } from "./checksum.ts";
import { decodeCompound } from "./compound.ts";
import { readCompressed } from "./compress.ts";
import { encodeLabel, peelLabel } from "./label.ts";
import { decodeMessage } from "./message_decoder.ts";
import { MESSAGE_TYPE, type PacketMessage } from "./messages.ts";
import { MsgpackReader } from "./msgpack_reader.ts";
import {
  type Cipher,
  concat,
  openSealedPacket,
  SEAL_BYTES,
  sealPacket,
} from "./seal.ts";

/** What all packets and streams of a cluster have in common. */
export interface Envelope {
  /** Empty for none. */
  readonly label: Uint8Array;
  /** Undefined: nothing is encrypted, and what is cannot be read. */
  readonly cipher: Cipher | undefined;
  /** With a cipher: whether plain messages are refused. */
  readonly plainInput: "refused" | "accepted";
}

export interface OpenedPacket {
  readonly messages: readonly PacketMessage[];
  /** Why messages are missing; empty if all could be read. */
  readonly faults: readonly string[];
}

/** Bytes that the envelope adds around a packet's message. */
export function envelopeBytes(envelope: Envelope): number {
  const label = envelope.label.length === 0 ? 0 : 2 + envelope.label.length;
  return label + (envelope.cipher === undefined ? 0 : SEAL_BYTES);
}

export function closePacket(
  message: Uint8Array,
  options: { envelope: Envelope; checksum: "with" | "without" },
): Uint8Array {
  const { label, cipher } = options.envelope;
  let bytes = message;
  if (options.checksum === "with") bytes = addChecksum(bytes);
  if (cipher !== undefined) bytes = sealPacket(bytes, { cipher, label });
  return label.length === 0 ? bytes : concat([encodeLabel(label), bytes]);
}

export function openPacket(
  packet: Uint8Array,
  envelope: Envelope,
): OpenedPacket {
  const label = peelLabel(packet, envelope.label);
  if (label.kind !== "match") return refused("label");
  const outer = packet.subarray(label.headerBytes);
  const inner = decrypt(outer, envelope);
  if (inner === undefined) return refused("encryption");
  const message = checkChecksum(inner);
  if (message === undefined) return refused("checksum");
  const opened = { messages: [], faults: [], bytes: 0 };
  openMessage(message, opened, 0);
  return opened;
}

/** What was found so far, and how many bytes compression made of it. */
interface Opening {
  readonly messages: PacketMessage[];
  readonly faults: string[];
  bytes: number;
}

function refused(reason: string): OpenedPacket {
  return { messages: [], faults: [reason] };
}

function decrypt(
  bytes: Uint8Array,
  { cipher, label, plainInput }: Envelope,
): Uint8Array | undefined {
  if (cipher === undefined) return bytes;
  const plain = openSealedPacket(bytes, { cipher, label });
  if (plain !== undefined) return plain;
  return plainInput === "accepted" ? bytes : undefined;
}

function openMessage(bytes: Uint8Array, into: Opening, depth: number): void {
  if (
    depth > PACKET_NESTING_MAX || into.messages.length >= PACKET_MESSAGES_MAX
  ) {
    into.faults.push("limit");
    return;
  }
  switch (bytes[0]) {
    case MESSAGE_TYPE.compound:
      for (const part of decodeCompound(bytes)) {
        openMessage(part, into, depth + 1);
      }
      return;
    case MESSAGE_TYPE.compress:
      openCompressed(bytes, into, depth);
      return;
    default: {
      const message = decodeMessage(bytes);
      if (message !== undefined) into.messages.push(message);
      else if (into.faults.length < PACKET_MESSAGES_MAX) {
        into.faults.push("message");
      }
    }
  }
}

function openCompressed(bytes: Uint8Array, into: Opening, depth: number): void {
  const budget = PACKET_EXPANDED_BYTES_MAX - into.bytes;
  const message = readCompressed(new MsgpackReader(bytes, 1), budget);
  if (message === undefined) {
    into.faults.push("compression");
    return;
  }
  into.bytes += message.length;
  openMessage(message, into, depth + 1);
}
