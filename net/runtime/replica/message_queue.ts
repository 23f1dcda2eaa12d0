/**
 * Messages that wait for a turn. Bounded: while a truncation or a reset keeps
 * Raft waiting, more than that is dropped, as the network may do at any time.
 */
import type { Message } from "../../../core/raft/messages.ts";

const COUNT_MAX = 4_096;
const BYTES_MAX = 64 * 1024 * 1024;

export class MessageQueue {
  #messages: Message[] = [];
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  add(message: Message): void {
    if (this.#messages.length >= COUNT_MAX || this.#bytes >= BYTES_MAX) return;
    this.#messages.push(message);
    this.#bytes += payloadBytesOf(message);
  }

  takeAll(): readonly Message[] {
    const taken = this.#messages;
    this.#messages = [];
    this.#bytes = 0;
    return taken;
  }
}

function payloadBytesOf(message: Message): number {
  if (message.kind === "snapshot") return message.chunk.length;
  if (message.kind !== "append") return 0;
  return message.entries.reduce((sum, { raw }) => sum + raw.length, 0);
}
