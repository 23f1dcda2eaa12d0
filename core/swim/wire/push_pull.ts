/**
 * The full state that two nodes exchange over a stream:
 *
 *   | 0x06 | {Join, Nodes, UserStateLen} | Nodes x node | user state |
 *
 * Nothing tells its length in front, so the decoder takes what has come and
 * keeps its place; each node is read once. Its byte fields are views.
 */
import {
  META_BYTES_MAX,
  NAME_BYTES_MAX,
  PUSH_PULL_NODES_MAX,
  STREAM_BYTES_MAX,
  STREAM_STRUCT_BYTES_MAX,
} from "../limits.ts";
import { PORT_MAX, readVersions, U32_MAX } from "./message_decoder.ts";
import { MESSAGE_TYPE } from "./messages.ts";
import { MsgpackReader } from "./msgpack_reader.ts";
import { MsgpackWriter } from "./msgpack_writer.ts";

export type NodeStatus = "alive" | "suspect" | "dead" | "left";

/** The numbers on the wire, by position: permanent. */
const STATUSES: readonly NodeStatus[] = ["alive", "suspect", "dead", "left"];

export interface PushPullNode {
  readonly name: string;
  readonly address: Uint8Array;
  readonly port: number;
  readonly meta: Uint8Array;
  readonly incarnation: number;
  readonly status: NodeStatus;
  readonly versions: Uint8Array;
}

export interface PushPull {
  readonly kind: "push_pull";
  readonly isJoin: boolean;
  readonly nodes: readonly PushPullNode[];
  readonly userState: Uint8Array;
}

export function encodePushPull(state: Omit<PushPull, "kind">): Uint8Array {
  const writer = new MsgpackWriter(512 + 160 * state.nodes.length);
  writer.byte(MESSAGE_TYPE.pushPull).map(3);
  writer.text("Join").boolean(state.isJoin);
  writer.text("Nodes").integer(state.nodes.length);
  writer.text("UserStateLen").integer(state.userState.length);
  for (const node of state.nodes) writeNode(writer, node);
  return writer.bytes(state.userState).finish();
}

function writeNode(writer: MsgpackWriter, node: PushPullNode): void {
  writer.map(7)
    .text("Addr").raw(node.address)
    .text("Incarnation").integer(node.incarnation)
    .text("Meta").raw(node.meta)
    .text("Name").text(node.name)
    .text("Port").integer(node.port)
    .text("State").integer(STATUSES.indexOf(node.status))
    .text("Vsn").raw(node.versions);
}

export type PushPullProgress =
  | { readonly kind: "incomplete" }
  | { readonly kind: "corrupt"; readonly reason: string }
  | { readonly kind: "complete"; readonly message: PushPull };

const INCOMPLETE: PushPullProgress = { kind: "incomplete" };

/** Decodes a push/pull whose bytes come in any pieces. */
export class PushPullDecoder {
  #header: { isJoin: boolean; nodes: number; userBytes: number } | undefined;
  #nodes: PushPullNode[] = [];
  #position: number;

  /** `position` is where the header begins, behind the type byte. */
  constructor(position: number) {
    this.#position = position;
  }

  /** `bytes` is all that has come, from the stream's first byte on. */
  decode(bytes: Uint8Array): PushPullProgress {
    if (this.#header === undefined) {
      const reader = new MsgpackReader(bytes, this.#position);
      const header = readHeader(reader);
      if (!reader.ok) return this.#stop(reader, bytes);
      this.#position = reader.position;
      this.#header = header;
    }
    if (this.#header.nodes > PUSH_PULL_NODES_MAX) return corrupt("nodes");
    if (this.#header.userBytes > STREAM_BYTES_MAX) return corrupt("user state");
    while (this.#nodes.length < this.#header.nodes) {
      const reader = new MsgpackReader(bytes, this.#position);
      const node = readNode(reader);
      if (!reader.ok) return this.#stop(reader, bytes);
      this.#position = reader.position;
      this.#nodes.push(node);
    }
    const end = this.#position + this.#header.userBytes;
    if (bytes.length < end) return INCOMPLETE;
    const userState = bytes.slice(this.#position, end);
    const { isJoin } = this.#header;
    const nodes = this.#nodes;
    return {
      kind: "complete",
      message: { kind: "push_pull", isJoin, nodes, userState },
    };
  }

  #stop(reader: MsgpackReader, bytes: Uint8Array): PushPullProgress {
    if (reader.failure === "corrupt") return corrupt("msgpack");
    const waiting = bytes.length - this.#position;
    return waiting > STREAM_STRUCT_BYTES_MAX ? corrupt("entry") : INCOMPLETE;
  }
}

function corrupt(reason: string): PushPullProgress {
  return { kind: "corrupt", reason };
}

function readHeader(reader: MsgpackReader) {
  let [isJoin, nodes, userBytes] = [false, 0, 0];
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "Join") isJoin = reader.boolean();
    else if (key === "Nodes") nodes = reader.unsigned(U32_MAX);
    else if (key === "UserStateLen") userBytes = reader.unsigned(U32_MAX);
    else reader.skip();
  }
  return { isJoin, nodes, userBytes };
}

function readNode(reader: MsgpackReader): PushPullNode {
  let [name, port, incarnation, state] = ["", 0, 0, 0];
  let address: Uint8Array = new Uint8Array(0);
  let meta = address;
  let versions = address;
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    const key = reader.text();
    if (key === "Name") name = reader.text(NAME_BYTES_MAX);
    else if (key === "Addr") address = reader.raw(16);
    else if (key === "Port") port = reader.unsigned(PORT_MAX);
    else if (key === "Meta") meta = reader.raw(META_BYTES_MAX);
    else if (key === "Incarnation") incarnation = reader.unsigned(U32_MAX);
    else if (key === "State") state = reader.unsigned(0xff);
    else if (key === "Vsn") versions = readVersions(reader);
    else reader.skip();
  }
  // A state that we do not know is a peer's later invention: not alive.
  const status = STATUSES[state] ?? "dead";
  return { name, address, port, meta, incarnation, status, versions };
}
