/**
 * Raft messages over the peer links: what must not wait goes in the control
 * lane, entries and state in the bulk lane.
 */
import {
  type Attachment,
  decodeMessage,
  encodeMessage,
} from "../../../core/raft/codec.ts";
import { ProglogError } from "../../../core/errors.ts";
import type { Message, Outgoing } from "../../../core/raft/messages.ts";
import { parseEntries } from "../../runtime/replica/entries.ts";
import type { ReplicaNetwork } from "../../runtime/replica/types.ts";
import type { PeerLinks } from "../../transport/peer/peer_links.ts";

export function raftNetwork(
  links: () => Pick<PeerLinks, "send"> | undefined,
): ReplicaNetwork {
  return {
    send(message, attachment) {
      const pieces = encodeMessage(message, attachment);
      links()?.send(message.to, pieces, laneOf(message, attachment));
    },
  };
}

/** Throws `corrupt` for bytes that are none, or of another sender. */
export function readMessage(from: string, bytes: Uint8Array): Message {
  const message = decodeMessage(bytes, parseEntries);
  if (message.from === from) return message;
  throw new ProglogError(
    "corrupt",
    `Node ${from} sent a message in the name of ${message.from}`,
  );
}

function laneOf(
  message: Outgoing,
  attachment: Attachment | undefined,
): "control" | "bulk" {
  // All appends and snapshots of one follower keep their order.
  const isBulk = message.kind === "append" || message.kind === "snapshot" ||
    attachment !== undefined;
  return isBulk ? "bulk" : "control";
}
