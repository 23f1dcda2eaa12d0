/**
 * Messages, events and logs as short text, for scenario files and traces.
 */
import { unreachable } from "../../../../core/assert.ts";
import type { Configuration } from "../../../../core/raft/configuration.ts";
import type { Message } from "../../../../core/raft/messages.ts";
import type { Persist, RaftEvent } from "../../../../core/raft/ready.ts";
import { type MemoryEntry, parseRaw, type TextProposal } from "./memory_log.ts";

export function renderMessage(message: Message): string {
  const { from, to, kind, term } = message;
  return `${from}->${to} ${kind} term ${term}${renderBody(message)}`;
}

function renderBody(message: Message): string {
  switch (message.kind) {
    case "pre_vote_request":
      return ` last ${message.lastIndex}/${message.lastTerm}`;
    case "vote_request": {
      const cause = message.cause === "transfer" ? " for transfer" : "";
      return ` last ${message.lastIndex}/${message.lastTerm}${cause}`;
    }
    case "pre_vote_response":
    case "vote_response":
      return ` ${message.vote}`;
    case "append": {
      const entries = message.entries.map((entry) => renderRaw(entry.raw));
      const list = entries.length > 0 ? ` [${entries.join(" ")}]` : "";
      const prev = `${message.prevIndex}/${message.prevTerm}`;
      return ` prev ${prev} commit ${message.commitIndex}${list}`;
    }
    case "append_accepted":
      return ` match ${message.matchIndex}`;
    case "append_rejected":
      return ` prev ${message.prevIndex} hint ${message.hintIndex}/${message.hintTerm}`;
    case "heartbeat":
      return ` commit ${message.commitIndex} round ${message.round}`;
    case "heartbeat_response":
      return ` round ${message.round}`;
    case "snapshot": {
      const { start, position, chunk, stateSizeBytes } = message;
      const end = position + chunk.length;
      return ` start ${start.index}/${start.term} bytes ${position}..${end} of ${stateSizeBytes}`;
    }
    case "snapshot_response":
      return ` start ${message.startIndex} position ${message.position}`;
    case "timeout_now":
      return "";
    case "read_request":
      return ` context ${message.context}`;
    case "read_response":
      return ` context ${message.context} index ${message.index}`;
    default:
      return unreachable(message);
  }
}

export function renderEvent(event: RaftEvent): string {
  switch (event.kind) {
    case "role_changed":
      return `becomes ${event.role} in term ${event.term}`;
    case "leader_changed":
      return event.leaderId === undefined
        ? "knows no leader"
        : `follows ${event.leaderId}`;
    case "stepped_down":
      return `steps down: ${event.reason}`;
    case "configuration_changed":
      return `configuration at ${event.index}: ${
        renderConfiguration(event.configuration)
      }`;
    case "configuration_committed":
      return `configuration at ${event.index} is committed`;
    case "truncated":
      return `truncates from ${event.from}`;
    case "reset":
      return `begins its log after ${event.start.index}/${event.start.term}`;
    case "transfer_failed":
      return `gives up the transfer to ${event.to}`;
    case "message_ignored":
      return `ignores a message of ${event.from}: ${event.reason}`;
    default:
      return unreachable(event);
  }
}

export function renderConfiguration(configuration: Configuration): string {
  const names = configuration.members.map(({ id, role }) =>
    role === "voter" ? id : `(${id})`
  );
  return names.length > 0 ? names.join(" ") : "nobody";
}

/** "3/2 x": index, term, and what is in it. */
export function renderEntry(entry: MemoryEntry): string {
  const content = entry.configuration === undefined
    ? entry.text || "noop"
    : `{${renderConfiguration(entry.configuration)}}`;
  return `${entry.index}/${entry.term}:${content}`;
}

export function renderRaw(raw: Uint8Array): string {
  return renderEntry(parseRaw(raw));
}

export function renderPersist(
  persist: Persist<TextProposal>,
): string | undefined {
  const { hardState } = persist;
  if (hardState === undefined) return undefined;
  const vote = hardState.votedFor === undefined
    ? ""
    : ` vote ${hardState.votedFor}`;
  return `writes term ${hardState.term}${vote}`;
}
