/**
 * The body of a Raft message as bytes; codec.ts draws the layout.
 */
import { unreachable } from "../assert.ts";
import type { ByteWriter } from "./byte_codec.ts";
import { writeConfiguration } from "./configuration_codec.ts";
import type { Outgoing } from "./messages.ts";

export function writeBody(writer: ByteWriter, message: Outgoing): void {
  switch (message.kind) {
    case "pre_vote_request":
    case "vote_request":
      writer.u64(message.lastIndex);
      writer.u64(message.lastTerm);
      if (message.kind === "pre_vote_request") return;
      return writer.u8(message.cause === "transfer" ? 1 : 0);
    case "pre_vote_response":
    case "vote_response":
      return writer.u8(message.vote === "granted" ? 1 : 0);
    case "append":
      writer.u64(message.prevIndex);
      writer.u64(message.prevTerm);
      return writer.u64(message.commitIndex);
    case "append_accepted":
      return writer.u64(message.matchIndex);
    case "append_rejected":
      writer.u64(message.prevIndex);
      writer.u64(message.hintIndex);
      return writer.u64(message.hintTerm);
    case "heartbeat":
      writer.u64(message.commitIndex);
      return writer.u64(message.round);
    case "heartbeat_response":
      return writer.u64(message.round);
    case "snapshot":
      writer.u64(message.start.index);
      writer.u64(message.start.term);
      writer.u64(message.start.nextOffset);
      writeConfiguration(writer, message.configuration);
      return writer.u64(message.position);
    case "snapshot_response":
      writer.u64(message.startIndex);
      return writer.u64(message.position);
    case "timeout_now":
      return;
    case "read_request":
      return writer.u64(message.context);
    case "read_response":
      writer.u64(message.context);
      return writer.u64(message.index);
    default:
      return unreachable(message);
  }
}
