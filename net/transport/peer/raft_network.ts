/**
 * Raft's messages over the peer links: which lane, to bytes and back, and that
 * nobody speaks for another node. Meets the `ReplicaNetwork` of net/runtime;
 * one for all logs, as every message names its log. Built by the agent.
 */
import {
  type Attachment,
  decodeMessage,
  encodeMessage,
  type EntryParser,
} from "../../../core/raft/codec.ts";
import type { Message, Outgoing } from "../../../core/raft/messages.ts";
import { ProglogError } from "../../../core/errors.ts";
import type { Lane } from "./limits.ts";
import { PeerLinks, type PeerLinksOptions } from "./peer_links.ts";

export interface RaftNetworkOptions
  extends Omit<PeerLinksOptions, "onMessage" | "onLinkState"> {
  readonly parseEntries: EntryParser;
  /** A message from a peer, for the replica of `message.log`. */
  readonly onMessage: (message: Message) => void;
  /** What was on its way to the peer is lost, in part at least. */
  readonly onUnreachable: (id: string) => void;
  readonly onLinkState?: (id: string, state: "up" | "down") => void;
}

export class RaftNetwork {
  readonly links: PeerLinks;
  readonly #options: RaftNetworkOptions;

  constructor(options: RaftNetworkOptions) {
    this.#options = options;
    this.links = new PeerLinks({
      ...options,
      onMessage: (from, bytes) => this.#receive(from, bytes),
      onLinkState: (id, state) => {
        options.onLinkState?.(id, state);
        if (state === "down") options.onUnreachable(id);
      },
    });
  }

  /** Sends or drops; the attachment may not be changed. */
  send(message: Outgoing, attachment: Attachment | undefined): void {
    const lane = laneOf(message);
    const pieces = encodeMessage(message, attachment);
    const outcome = this.links.send(message.to, pieces, lane);
    if (outcome === "dropped" && lane === "bulk") {
      this.#options.onUnreachable(message.to);
    }
  }

  #receive(from: string, bytes: Uint8Array): void {
    const message = decodeMessage(bytes, this.#options.parseEntries);
    if (message.from !== from) {
      throw new ProglogError(
        "corrupt",
        `Cannot take a message of ${message.from} from node ${from}`,
      );
    }
    this.#options.onMessage(message);
  }
}

/**
 * Appends go one way, also the empty ones: one that overtakes the entries before
 * it would be rejected.
 */
function laneOf({ kind }: Outgoing): Lane {
  return kind === "append" || kind === "snapshot" ? "bulk" : "control";
}
