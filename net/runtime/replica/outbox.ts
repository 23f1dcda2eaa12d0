/**
 * Messages on their way out: attaches the bytes that Raft's orders name, and
 * holds back what may leave only after a sync.
 */
import { crc32 } from "../../../core/crc32.ts";
import type { Attachment } from "../../../core/raft/codec.ts";
import type { Outgoing } from "../../../core/raft/messages.ts";
import type { AppliedState } from "./applied_state.ts";
import type { ReplicaLogView } from "./log_view.ts";
import type { ReplicaNetwork } from "./types.ts";

interface Held {
  readonly number: number;
  readonly messages: readonly Outgoing[];
}

export class Outbox {
  readonly #network: ReplicaNetwork;
  readonly #view: ReplicaLogView;
  /** The state with which the log begins: what followers are reset to. */
  readonly #base: () => AppliedState;
  #held: Held[] = [];
  #checked:
    | { readonly state: Uint8Array; readonly checksum: number }
    | undefined;

  constructor(parts: {
    readonly network: ReplicaNetwork;
    readonly view: ReplicaLogView;
    readonly base: () => AppliedState;
  }) {
    this.#network = parts.network;
    this.#view = parts.view;
    this.#base = parts.base;
  }

  sendAll(messages: readonly Outgoing[]): void {
    for (const message of messages) this.#send(message);
  }

  /** Sends when `release` is told that Ready `number` is durable. */
  hold(number: number, messages: readonly Outgoing[]): void {
    if (messages.length > 0) this.#held.push({ number, messages });
  }

  /** `term` is the present one: what an earlier leader ordered may be gone. */
  release(durableNumber: number, term: number): void {
    if (this.#held.length === 0) return;
    const due = this.#held.filter(({ number }) => number <= durableNumber);
    this.#held = this.#held.filter(({ number }) => number > durableNumber);
    for (const { messages } of due) {
      for (const message of messages) {
        const isOrder = message.kind === "append" ||
          message.kind === "snapshot";
        if (!isOrder || message.term === term) this.#send(message);
      }
    }
  }

  #send(message: Outgoing): void {
    const attachment = this.#attach(message);
    if (attachment === "gone") return;
    this.#network.send(message, attachment);
  }

  #attach(message: Outgoing): Attachment | undefined | "gone" {
    if (message.kind === "append") {
      const { range } = message;
      if (range === undefined) return undefined;
      const isThere = range.from > this.#view.start.index &&
        range.to <= this.#view.lastIndex;
      if (!isThere) return "gone";
      return { kind: "entries", raw: this.#view.raw(range) };
    }
    if (message.kind !== "snapshot") return undefined;
    const { at, producers } = this.#base();
    if (message.start.index !== at.index) return "gone";
    const end = message.position + message.chunkBytesMax;
    return {
      kind: "state",
      stateSizeBytes: producers.length,
      stateChecksum: this.#checksumOf(producers),
      chunk: producers.subarray(message.position, end),
    };
  }

  /** Asked for every chunk of one state. */
  #checksumOf(state: Uint8Array): number {
    if (this.#checked?.state !== state) {
      this.#checked = { state, checksum: crc32(state) };
    }
    return this.#checked.checksum;
  }
}
