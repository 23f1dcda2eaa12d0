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

export function raftNetwork(options: {
  readonly links: () => Pick<PeerLinks, "send"> | undefined;
  /** Entries had no room on the way to a node: they must be sent again. */
  readonly onDropped: (to: string) => void;
}): ReplicaNetwork {
  return {
    send(message, attachment) {
      const pieces = encodeMessage(message, attachment);
      const lane = laneOf(message, attachment);
      const outcome = options.links()?.send(message.to, pieces, lane);
      if (outcome === "dropped" && lane === "bulk") {
        options.onDropped(message.to);
      }
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
