/**
 * The production replica as a process on a simulated machine: real log engine,
 * real Raft, the memory disk that loses, tears and fills, virtual time.
 */
import { concatBytes } from "../../../core/bytes.ts";
import { isProglogError } from "../../../core/errors.ts";
import { offset } from "../../../core/ids.ts";
import type { LogFaults } from "../../../core/log/faults.ts";
import { decodeRecords } from "../../../core/log/record_walk.ts";
import { decodeMessage, encodeMessage } from "../../../core/raft/codec.ts";
import type { RaftFaults } from "../../../core/raft/faults.ts";
import type { Outgoing } from "../../../core/raft/messages.ts";
import type { RaftEvent } from "../../../core/raft/ready.ts";
import { parseEntries } from "../../../net/runtime/replica/entries.ts";
import { Replica } from "../../../net/runtime/replica/replica.ts";
import type {
  Founder,
  ReplicaFaults,
  ReplicaOptions,
} from "../../../net/runtime/replica/types.ts";
import { MemoryDisk } from "../../support/memory_disk.ts";
import { SIM_RAFT_CONFIG } from "../cluster.ts";
import { crashDisk } from "../crash_disk.ts";
import type { Machine, Process } from "../host.ts";

export const DIRECTORY = "/data/default";
const WALL_START_MS = 1_700_000_000_000;
const REOPEN_MS = 100;
const READ_BYTES = 400;

export interface PlantedFaults {
  readonly raft: RaftFaults;
  readonly replica: ReplicaFaults;
  readonly log: LogFaults;
  /** "never": acknowledges before the sync. */
  readonly fsync: "always" | "never";
}

export interface NodeWatcher {
  event(node: ReplicaNode, event: RaftEvent): void;
  sent(node: ReplicaNode, message: Outgoing): void;
  /** A replica ended by itself, or could not be opened. */
  broken(node: ReplicaNode, cause: unknown): void;
  note(text: string): void;
  saw(sight: string): void;
}

export class ReplicaNode {
  readonly id: string;
  readonly disk = new MemoryDisk();
  readonly founders: readonly Founder[];
  readonly segmentBytesMax: number;
  readonly watcher: NodeWatcher;
  readonly faults: PlantedFaults;
  syncMaxMs: number;
  /** Up, opened, and not thrown away. */
  replica: Replica | undefined;
  /** Counts starts. */
  life = 0;
  /** Where a reader goes on that has seen all before. */
  #readTo = 0;

  constructor(options: {
    readonly id: string;
    readonly founders: readonly Founder[];
    readonly segmentBytesMax: number;
    readonly syncMaxMs: number;
    readonly watcher: NodeWatcher;
    readonly faults: PlantedFaults;
  }) {
    this.id = options.id;
    this.founders = options.founders;
    this.segmentBytesMax = options.segmentBytesMax;
    this.syncMaxMs = options.syncMaxMs;
    this.watcher = options.watcher;
    this.faults = options.faults;
  }

  boot(machine: Machine): Process {
    this.life += 1;
    const { life } = this;
    this.disk.beforeSync = () =>
      new Promise((resolve) => {
        const { random } = machine;
        const delayMs = random.between({ from: 0, to: this.syncMaxMs });
        machine.after(delayMs, resolve);
      });
    this.#open(machine, life);
    return {
      receive: (bytes) =>
        this.replica?.receive(decodeMessage(bytes, parseEntries)),
      wake: () => {},
      nextWakeMs: Infinity,
    };
  }

  powerLoss(random: Machine["random"]): void {
    this.life += 1;
    this.replica = undefined;
    const saw = (sight: string) => this.watcher.saw(sight);
    crashDisk(this.disk, { random, saw });
  }

  /** New committed records, in order. */
  *unread(): Generator<{ offset: number; value: string }> {
    const { replica } = this;
    if (replica === undefined) return;
    this.#readTo = Math.max(this.#readTo, replica.lowestOffset);
    try {
      yield* readValues(replica, this.#readTo);
    } catch (error) {
      if (!isProglogError(error, "corrupt")) throw error;
      return this.watcher.broken(this, error);
    }
    this.#readTo = Math.max(this.#readTo, replica.nextOffset);
  }

  #open(machine: Machine, life: number): void {
    const opening = Replica.open(this.#options(machine, life));
    opening.then((replica) => {
      if (life !== this.life) return;
      this.replica = replica;
      if (replica.recovery.cutBytes > 0) this.watcher.saw("torn_tail_cut");
      this.#found(replica, machine, life);
    }, (error) => {
      this.#retry(error, { machine, life }, () => this.#open(machine, life));
    });
  }

  #found(replica: Replica, machine: Machine, life: number): void {
    if (this.founders.length === 0) return;
    replica.bootstrap(this.founders).catch((error) => {
      this.#retry(error, { machine, life }, () => {
        this.#found(replica, machine, life);
      });
    });
  }

  /** A full disk may refuse to open or to found a log, too. */
  #retry(
    error: unknown,
    { machine, life }: { machine: Machine; life: number },
    again: () => void,
  ): void {
    if (life !== this.life) return;
    if (isProglogError(error, "disk_full")) machine.after(REOPEN_MS, again);
    else this.watcher.broken(this, error);
  }

  #options(machine: Machine, life: number): ReplicaOptions {
    const { faults } = this;
    return {
      disk: this.disk,
      directory: DIRECTORY,
      logName: "default",
      nodeId: this.id,
      clock: {
        wallMs: () => WALL_START_MS + machine.nowMs(),
        monotonicMs: () => machine.nowMs(),
      },
      scheduler: {
        after: (delayMs, callback) => {
          let isCancelled = false;
          machine.after(delayMs, () => {
            if (!isCancelled) callback();
          });
          return () => {
            isCancelled = true;
          };
        },
      },
      random: machine.random,
      config: {
        segmentBytesMax: this.segmentBytesMax,
        segmentAgeMaxMs: Infinity,
      },
      retention: { bytesMax: null, ageMaxMs: null },
      fsync: { kind: faults.fsync },
      raft: SIM_RAFT_CONFIG,
      faults: faults.raft,
      replicaFaults: faults.replica,
      logFaults: faults.log,
      network: {
        send: (message, attachment) => {
          if (life !== this.life) return;
          this.watcher.sent(this, message);
          const bytes = concatBytes(encodeMessage(message, attachment));
          machine.send(message.to, bytes);
        },
      },
      watcher: {
        event: (event) => {
          if (life === this.life) this.watcher.event(this, event);
        },
        failed: (cause) => {
          if (life === this.life) this.watcher.broken(this, cause);
        },
      },
    };
  }
}

const text = new TextDecoder();

export function* readValues(
  replica: Replica,
  from: number,
): Generator<{ offset: number; value: string }> {
  for (let next = from; next < replica.nextOffset;) {
    const batch = replica.read({
      offset: offset(next),
      bytesMax: READ_BYTES,
      offsetEnd: offset(Number.MAX_SAFE_INTEGER),
      headroomBytes: 0,
    });
    // Being reset, or trimmed under the reader.
    if (batch === undefined) return;
    const records = decodeRecords(batch.buffer.subarray(batch.recordsStart));
    for (const [n, { value }] of records.entries()) {
      yield { offset: batch.baseOffset + n, value: text.decode(value) };
    }
    next = batch.baseOffset + batch.count;
  }
}
