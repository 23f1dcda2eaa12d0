/**
 * Packets in and out: answers what comes, and lets gossip ride along on what
 * goes out, up to the packet's budget.
 */
import { applyAccusation, applyAlive } from "./claims.ts";
import { VERSION_CHECKSUM } from "./config.ts";
import {
  COMPOUND_PARTS_SENT_MAX,
  PACKET_BYTES_MAX,
  RELAYED_PROBES_MAX,
} from "./limits.ts";
import { endpointOf, type Member } from "./members.ts";
import { finishProbe, forwardAck, relayProbe } from "./probe.ts";
import type { SwimState } from "./state.ts";
import { unreachable } from "../assert.ts";
import {
  COMPOUND_HEADER_BYTES,
  COMPOUND_PART_BYTES,
  encodeCompound,
} from "./wire/compound.ts";
import type { Endpoint } from "./wire/ip.ts";
import {
  encodeAck,
  encodeUserPacket,
  type IndirectPing,
  type PacketMessage,
  type Ping,
  type PingSource,
} from "./wire/messages.ts";
import { closePacket, envelopeBytes, openPacket } from "./wire/packet.ts";

const NO_PAYLOAD = new Uint8Array(0);

export function receivePacket(
  state: SwimState,
  from: Endpoint,
  packet: Uint8Array,
): void {
  const opened = openPacket(packet, state.config.envelope);
  if (opened.faults.length > 0) {
    state.delegate.onNotice(
      `Dropped ${opened.faults.length} of a packet from ${from.host}:${from.port}: bad ${
        opened.faults[0]
      }`,
    );
  }
  for (const message of opened.messages) handle(state, from, message);
}

function handle(
  state: SwimState,
  from: Endpoint,
  message: PacketMessage,
): void {
  switch (message.kind) {
    case "ping":
      return answerPing(state, from, message);
    case "indirect_ping":
      return handleIndirectPing(state, from, message);
    case "ack":
      if (!finishProbe(state, message.seqNo)) forwardAck(state, message.seqNo);
      return;
    case "nack":
      if (state.probe?.seqNo === message.seqNo) state.probe.nacks++;
      return;
    case "suspect":
    case "dead":
      return applyAccusation(state, message);
    case "alive":
      return applyAlive(state, message);
    case "user":
      return state.delegate.onMessage(message.payload);
    default:
      return unreachable(message);
  }
}

function answerPing(state: SwimState, from: Endpoint, ping: Ping): void {
  // A ping for another name found us at an address that was once its own.
  if (ping.node !== "" && ping.node !== state.config.name) return;
  const ack = encodeAck({ seqNo: ping.seqNo, payload: NO_PAYLOAD });
  sendMessage(state, sourceEndpoint(ping.source) ?? from, ack);
}

function handleIndirectPing(
  state: SwimState,
  from: Endpoint,
  ping: IndirectPing,
): void {
  if (state.relayedProbes.size >= RELAYED_PROBES_MAX) return;
  const port = ping.port === 0 ? state.config.advertisePort : ping.port;
  const target = endpointOf(ping.target, port);
  if (target === undefined) return;
  const origin = sourceEndpoint(ping.source) ?? from;
  relayProbe(state, { ping, target, origin });
}

function sourceEndpoint(source: PingSource): Endpoint | undefined {
  if (source.port === 0) return undefined;
  return endpointOf(source.address, source.port);
}

/** Sends one message, with as much gossip as fits behind it. */
export function sendMessage(
  state: SwimState,
  to: Endpoint,
  message: Uint8Array,
): void {
  sendParts(state, to, [message, ...takeBroadcasts(state, message.length)]);
}

/** Sends one application message and no gossip. */
export function sendUserPacket(
  state: SwimState,
  to: Endpoint,
  payload: Uint8Array,
): void {
  sendParts(state, to, [encodeUserPacket(payload)]);
}

/** Sends a round of gossip to `member`; nothing if there is none. */
export function sendGossip(state: SwimState, member: Member): boolean {
  const parts = takeBroadcasts(state, 0);
  if (parts.length === 0) return false;
  const isChecked = (member.versions[1] ?? 0) >= VERSION_CHECKSUM;
  sendParts(state, member.endpoint, parts, isChecked ? "with" : "without");
  return true;
}

export function sendParts(
  state: SwimState,
  to: Endpoint,
  parts: readonly Uint8Array[],
  checksum: "with" | "without" = "without",
): void {
  const message = parts.length === 1 ? parts[0]! : encodeCompound(parts);
  const { envelope } = state.config;
  const bytes = closePacket(message, { envelope, checksum });
  state.work.packets.push({ to, bytes });
}

/** Membership news first, then what the layer above has to say. */
function takeBroadcasts(state: SwimState, usedBytes: number): Uint8Array[] {
  const overheadBytes = COMPOUND_PART_BYTES;
  let limitBytes = PACKET_BYTES_MAX - COMPOUND_HEADER_BYTES -
    envelopeBytes(state.config.envelope) - usedBytes;
  if (usedBytes > 0) limitBytes -= overheadBytes;
  const countMax = COMPOUND_PARTS_SENT_MAX - 1;
  const budget = { overheadBytes, limitBytes, countMax };
  const own = state.queue.take(budget, state.members.size);
  const left = own.reduce((n, part) => n - part.length - 2, limitBytes);
  const theirs = state.delegate.broadcasts({
    overheadBytes: overheadBytes + 1,
    limitBytes: left,
    countMax: countMax - own.length,
  });
  return [...own, ...theirs.map(encodeUserPacket)];
}
