/**
 * One gossip core whose network and clock are a script: messages are given to
 * it by name, and what it sends is told as text. For scenarios and properties.
 */
import assert from "node:assert/strict";
import { TIMINGS_LAN } from "../../../core/swim/config.ts";
import { type Claim } from "../../../core/swim/precedence.ts";
import { SERF_TIMINGS } from "../../../core/swim/serf/context.ts";
import type { GossipEvent } from "../../../core/swim/serf/events.ts";
import { Serf } from "../../../core/swim/serf/serf.ts";
import { MsgpackReader } from "../../../core/swim/wire/msgpack_reader.ts";
import {
  encodeAccusation,
  encodeAlive,
  MESSAGE_TYPE,
  type PacketMessage,
} from "../../../core/swim/wire/messages.ts";
import { closePacket, openPacket } from "../../../core/swim/wire/packet.ts";
import { PushPullDecoder } from "../../../core/swim/wire/push_pull.ts";
import { decodeSerfMessage } from "../../../core/swim/wire/serf_decoder.ts";
import { encodeTags, type Tags } from "../../../core/swim/wire/tags.ts";
import { seededRandom } from "../../support/seeded_random.ts";

export const SCRIPT_ENVELOPE = {
  label: new Uint8Array(0),
  cipher: undefined,
  plainInput: "accepted",
} as const;

const VERSIONS = Uint8Array.of(1, 5, 2, 2, 5, 5);
const PORT = 7946;

/** Address of a node that is called by one letter: a is 10.0.0.1. */
export function addressOf(name: string): Uint8Array {
  return Uint8Array.of(10, 0, 0, name.charCodeAt(0) - 96);
}

export class ScriptedNode {
  readonly serf: Serf;
  nowMs = 0;

  constructor(name: string, identity: Tags = {}) {
    this.serf = new Serf({
      name,
      tags: { rpc_addr: `10.0.0.1:8400`, ...identity },
      identityTag: "node_id",
      advertiseAddress: addressOf(name),
      advertisePort: PORT,
      timings: TIMINGS_LAN,
      serfTimings: SERF_TIMINGS,
      envelope: SCRIPT_ENVELOPE,
      streamCompression: "none",
    }, { random: seededRandom(1), nowMs: 0 });
  }

  receiveClaim(
    node: string,
    claim: Claim,
    host = addressOf(node),
    tags: Tags = {},
  ): void {
    const { incarnation, status } = claim;
    if (status === "alive") {
      const meta = encodeTags(tags)!;
      const address = host;
      const alive = { node, incarnation, address, meta };
      this.receive(
        "b",
        encodeAlive({ ...alive, port: PORT, versions: VERSIONS }),
      );
      return;
    }
    const kind = status === "suspect" ? "suspect" : "dead";
    const from = status === "left" ? node : "z";
    this.receive("b", encodeAccusation({ kind, incarnation, node, from }));
  }

  receive(from: string, message: Uint8Array): void {
    const packet = closePacket(message, {
      envelope: SCRIPT_ENVELOPE,
      checksum: "without",
    });
    const host = addressOf(from).join(".");
    this.serf.receive({ host, port: PORT }, packet, this.nowMs);
  }

  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    let ticks = 0;
    while (this.serf.nextDeadlineMs() <= untilMs) {
      assert.ok(++ticks < 100_000, "The core asks for ticks without end");
      this.nowMs = Math.max(this.nowMs, this.serf.nextDeadlineMs());
      this.serf.tick(this.nowMs);
    }
    this.nowMs = untilMs;
  }

  /** What the node knows of others by gossip, as it would tell a peer. */
  swimTable(): string[] {
    this.serf.takeWork();
    this.serf.join({ host: "10.0.0.99", port: PORT }, this.nowMs);
    const [opened] = this.serf.takeWork().streams;
    assert.ok(opened?.kind === "open");
    const progress = new PushPullDecoder(1).decode(opened.bytes);
    assert.ok(progress.kind === "complete");
    return progress.message.nodes
      .map((node) => `${node.name} ${node.status} ${node.incarnation}`)
      .sort();
  }

  /** Work and events since the last call, a line each. */
  takeOutput(): string[] {
    const { packets, streams } = this.serf.takeWork();
    const lines = packets.map(({ to, bytes }) => {
      const { messages } = openPacket(bytes, SCRIPT_ENVELOPE);
      return `packet to ${to.host}: ${messages.map(tell).join(", ")}`;
    });
    for (const work of streams) {
      if (work.kind === "open") {
        lines.push(
          `stream ${work.streamId} to ${work.to.host}: ${
            tellStream(work.bytes)
          }`,
        );
      } else if (work.kind === "send") {
        lines.push(`stream ${work.streamId} sends ${tellStream(work.bytes)}`);
      } else lines.push(`stream ${work.streamId} closes`);
    }
    for (const event of this.serf.takeEvents()) lines.push(tellEvent(event));
    return lines;
  }
}

function tell(message: PacketMessage): string {
  switch (message.kind) {
    case "ping":
      return `ping ${message.node} #${message.seqNo}`;
    case "indirect_ping":
      return `indirect ping ${message.node} #${message.seqNo}`;
    case "ack":
    case "nack":
      return `${message.kind} #${message.seqNo}`;
    case "alive":
      return `alive ${message.node} ${message.incarnation}`;
    case "user":
      return tellSerf(message.payload);
    default: {
      const { kind, node, incarnation, from } = message;
      return `${kind} ${node} ${incarnation} from ${from}`;
    }
  }
}

function tellSerf(payload: Uint8Array): string {
  const message = decodeSerfMessage(payload);
  switch (message?.kind) {
    case "join":
    case "leave":
      return `intent ${message.kind} ${message.node} @${message.lamportTime}`;
    default:
      return `serf ${message?.kind}`;
  }
}

function tellStream(bytes: Uint8Array): string {
  if (bytes[0] === MESSAGE_TYPE.pushPull) {
    const progress = new PushPullDecoder(1).decode(bytes);
    assert.ok(progress.kind === "complete");
    const { isJoin, nodes } = progress.message;
    return `${isJoin ? "join" : "push/pull"} of ${nodes.length}`;
  }
  if (bytes[0] === MESSAGE_TYPE.error) {
    const reader = new MsgpackReader(bytes, 1);
    reader.map();
    reader.text();
    return `error "${reader.text()}"`;
  }
  return `message type ${bytes[0]}`;
}

function tellEvent(event: GossipEvent): string {
  if ("member" in event) {
    return `event ${event.kind} ${event.member.name} ${event.member.host} ${event.member.status}`;
  }
  if (event.kind === "notice") return `notice ${event.text}`;
  if (event.kind === "name_conflict") {
    return `event name_conflict ${event.name} ${event.known.host} ${event.claimed.host}${
      event.isOurs ? " ours" : ""
    }`;
  }
  return `event ${event.kind}`;
}
