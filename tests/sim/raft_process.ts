/**
 * Raft over a log in memory, as a process on a simulated machine. Does what the
 * production runtime does: one input, then all Readies; one sync at a time, and
 * a write that came in between is synced next.
 */
import { decodeMessage, encodeMessage } from "../../core/raft/codec.ts";
import type { Message } from "../../core/raft/messages.ts";
import { parseEntries } from "../core/raft/support/memory_log.ts";
import type {
  MemoryNode,
  NodeReady,
} from "../core/raft/support/memory_node.ts";
import type { Machine, Process } from "./host.ts";

/** Who watches what a node decides, sends and learns. */
export interface Observer {
  decided(node: MemoryNode, ready: NodeReady): void;
  sent(node: MemoryNode, message: Message): void;
  received(node: MemoryNode, message: Message): void;
}

/** How fast a node's disk and loop are. */
export interface Drive {
  syncMaxMs: number;
  /** Chance that the loop takes more inputs before it works off the Readies. */
  batching: number;
}

const BATCH_MS = 3;

export class RaftProcess implements Process {
  readonly #machine: Machine;
  readonly #node: MemoryNode;
  readonly #observer: Observer;
  readonly #drive: Drive;
  #isSyncing = false;

  constructor(options: {
    machine: Machine;
    node: MemoryNode;
    observer: Observer;
    drive: Drive;
  }) {
    this.#machine = options.machine;
    this.#node = options.node;
    this.#observer = options.observer;
    this.#drive = options.drive;
  }

  get nextWakeMs(): number {
    return this.#node.raft.nextDeadlineMs;
  }

  receive(bytes: Uint8Array): void {
    const message = decodeMessage(bytes, parseEntries);
    this.#observer.received(this.#node, message);
    this.#node.raft.step(message, this.#machine.nowMs());
    if (!this.#machine.random.chance(this.#drive.batching)) {
      return this.workOff();
    }
    this.#machine.after(BATCH_MS, () => this.workOff());
  }

  wake(): void {
    this.#node.raft.tick(this.#machine.nowMs());
    this.workOff();
  }

  /** Takes all Readies; called after each input. */
  workOff(): void {
    const node = this.#node;
    for (;;) {
      const taken = node.takeReady(this.#machine.nowMs());
      if (taken === undefined) break;
      this.#observer.decided(node, taken.ready);
      this.#send(taken.messages);
    }
    if (node.needsSync && !this.#isSyncing) this.#sync();
  }

  #sync(): void {
    this.#isSyncing = true;
    const sync = this.#node.startSync();
    const { random } = this.#machine;
    const delayMs = random.between({ from: 0, to: this.#drive.syncMaxMs });
    this.#machine.after(delayMs, () => {
      this.#isSyncing = false;
      const nowMs = this.#machine.nowMs();
      this.#send(this.#node.finishSync(sync, nowMs));
      this.workOff();
    });
  }

  #send(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#observer.sent(this.#node, message);
      this.#machine.send(message.to, toBytes(message));
    }
  }
}

function toBytes(message: Message): Uint8Array {
  return joined(encodeParts(message));
}

function encodeParts(message: Message): Uint8Array[] {
  if (message.kind === "append") {
    const { entries, ...head } = message;
    const raw = entries.map((entry) => entry.raw);
    return encodeMessage({ ...head, range: undefined }, {
      kind: "entries",
      raw,
    });
  }
  if (message.kind === "snapshot") {
    const { stateSizeBytes, stateChecksum, chunk, ...head } = message;
    return encodeMessage({ ...head, chunkBytesMax: chunk.length }, {
      kind: "state",
      stateSizeBytes,
      stateChecksum,
      chunk,
    });
  }
  return encodeMessage(message);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const all = new Uint8Array(size);
  let position = 0;
  for (const part of parts) {
    all.set(part, position);
    position += part.length;
  }
  return all;
}
