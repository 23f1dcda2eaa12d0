/**
 * Raft with a log in memory: a runtime for tests, in which the test decides when
 * a sync ends. Does what ready.ts asks of a runtime, in its order.
 */
import { crc32 } from "../../../../core/crc32.ts";
import type { Random } from "../../../../core/env.ts";
import { type LogIndex, logIndex } from "../../../../core/ids.ts";
import type { RaftConfig } from "../../../../core/raft/config.ts";
import { foundCluster } from "../../../../core/raft/founding.ts";
import type { RaftFaults } from "../../../../core/raft/faults.ts";
import type { Message, Outgoing } from "../../../../core/raft/messages.ts";
import { Raft } from "../../../../core/raft/raft.ts";
import type { Ready } from "../../../../core/raft/ready.ts";
import { type DiskImage, MemoryLog, type TextProposal } from "./memory_log.ts";

export interface MemoryNodeOptions {
  readonly id: string;
  readonly random: Random;
  readonly nowMs: number;
  readonly config?: Partial<RaftConfig>;
  readonly faults?: RaftFaults;
}

export type NodeReady = Ready<TextProposal>;

/** A sync that has started: what it makes durable when it ends. */
export interface Sync {
  readonly number: number;
  readonly image: DiskImage;
}

export class MemoryNode {
  readonly id: string;
  readonly log = new MemoryLog();
  readonly #options: MemoryNodeOptions;
  raft: Raft<TextProposal>;
  committedIndex: LogIndex = logIndex(0);
  isDiskFull = false;
  #waiting: { number: number; messages: readonly Outgoing[] }[] = [];
  #writtenNumber = 0;
  #durableNumber = 0;

  constructor(options: MemoryNodeOptions, founders: readonly string[]) {
    this.id = options.id;
    this.#options = options;
    if (founders.length > 0) found(this.log, founders);
    this.raft = this.#createRaft(options.nowMs);
  }

  get needsSync(): boolean {
    return this.#writtenNumber > this.#durableNumber;
  }

  /** Takes the next Ready and writes it; hands back what is to be sent now. */
  takeReady(
    nowMs: number,
  ): { ready: NodeReady; messages: Message[] } | undefined {
    const ready = this.raft.ready();
    if (ready === undefined) return undefined;
    if (this.isDiskFull && (ready.persist?.entries.length ?? 0) > 0) {
      return { ready: this.#failToAppend(ready, nowMs), messages: [] };
    }
    if (ready.persist) {
      this.log.write(ready.persist);
      this.#writtenNumber = ready.number;
    }
    const messages = this.#attachAll(ready.sendNow);
    const { number, sendAfterPersist } = ready;
    if (sendAfterPersist.length > 0) {
      if (this.needsSync) {
        this.#waiting.push({ number, messages: sendAfterPersist });
      } else messages.push(...this.#attachAll(sendAfterPersist));
    }
    this.committedIndex = ready.committedIndex;
    this.raft.applied(ready.committedIndex);
    return { ready, messages };
  }

  /** Writes all but the entries; returns what is left of the Ready. */
  #failToAppend(ready: NodeReady, nowMs: number): NodeReady {
    const persist = ready.persist && { ...ready.persist, entries: [] };
    if (persist) {
      this.log.write(persist);
      this.#writtenNumber = ready.number;
    }
    this.raft.writeFailed(nowMs);
    return { ...ready, persist, sendNow: [], sendAfterPersist: [] };
  }

  startSync(): Sync {
    return { number: this.#writtenNumber, image: this.log.image() };
  }

  /** Returns the messages that waited for this sync. */
  finishSync(sync: Sync, nowMs: number): Message[] {
    this.log.synced(sync.image);
    this.#durableNumber = sync.number;
    this.raft.persisted(sync.number, nowMs);
    // What belongs to the next write waits for that.
    const next = this.#waiting.findIndex(({ number }) =>
      this.needsSync && number > sync.number
    );
    const count = next === -1 ? this.#waiting.length : next;
    const done = this.#waiting.splice(0, count);
    return this.#attachAll(done.flatMap(({ messages }) => messages));
  }

  /** Loses what was not synced and starts again from what was. */
  restart(nowMs: number): void {
    this.log.crash();
    this.#waiting = [];
    this.#writtenNumber = 0;
    this.#durableNumber = 0;
    this.committedIndex = this.log.start.index;
    this.raft = this.#createRaft(nowMs);
  }

  compact(index: LogIndex): void {
    const configuration =
      this.log.configurations().findLast((entry) => entry.index <= index)
        ?.configuration ?? { members: [] };
    this.log.compact({ index, configuration });
  }

  #createRaft(nowMs: number): Raft<TextProposal> {
    const { hardState } = this.log;
    return Raft.create<TextProposal>({
      id: this.id,
      logName: "default",
      log: this.log,
      random: this.#options.random,
      nowMs,
      ...(hardState && { hardState }),
      configurations: this.log.configurations(),
      ...(this.#options.config && { config: this.#options.config }),
      ...(this.#options.faults && { faults: this.#options.faults }),
    });
  }

  #attachAll(orders: readonly Outgoing[]): Message[] {
    return orders.flatMap((order) => this.#attach(order) ?? []);
  }

  /** Reads the bytes that an order names; undefined if they are gone. */
  #attach(order: Outgoing): Message | undefined {
    if (order.kind === "snapshot") {
      const { chunkBytesMax, ...head } = order;
      if (head.start.index !== this.log.start.index) return undefined;
      const { state } = this.log;
      const end = head.position + chunkBytesMax;
      const chunk = state.slice(head.position, end);
      const stateChecksum = crc32(state);
      return { ...head, stateSizeBytes: state.length, stateChecksum, chunk };
    }
    if (order.kind !== "append") return order;
    const { range, ...head } = order;
    if (range === undefined) return { ...head, entries: [] };
    const isThere = range.from > this.log.start.index &&
      range.to <= this.log.lastIndex;
    return isThere ? { ...head, entries: this.log.read(range) } : undefined;
  }
}

function found(log: MemoryLog, ids: readonly string[]): void {
  const { hardState, entry } = foundCluster(
    ids.map((id) => ({ id, name: id, address: `${id}:8400` })),
  );
  log.write({
    hardState,
    reset: undefined,
    truncateFrom: undefined,
    entries: [entry],
  });
  log.synced(log.image());
}
