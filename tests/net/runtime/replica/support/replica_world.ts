/**
 * Replicas in one process: memory disks that crash, a network that the test
 * cuts, and virtual time. Messages travel as bytes.
 */
import type { Random } from "../../../../../core/env.ts";
import { concatBytes } from "../../../../../core/bytes.ts";
import { offset } from "../../../../../core/ids.ts";
import { encodeRecords } from "../../../../../core/log/record.ts";
import { decodeRecords } from "../../../../../core/log/record_walk.ts";
import {
  type Attachment,
  decodeMessage,
  encodeMessage,
} from "../../../../../core/raft/codec.ts";
import type { Message, Outgoing } from "../../../../../core/raft/messages.ts";
import type { RaftEvent } from "../../../../../core/raft/ready.ts";
import type { FsyncPolicy } from "../../../../../net/runtime/fsync.ts";
import { parseEntries } from "../../../../../net/runtime/replica/entries.ts";
import { Replica } from "../../../../../net/runtime/replica/replica.ts";
import type {
  Founder,
  ReplicaOptions,
} from "../../../../../net/runtime/replica/types.ts";
import { MemoryDisk } from "../../../../support/memory_disk.ts";
import { seededRandom } from "../../../../support/seeded_random.ts";
import { VirtualTime } from "../../../../support/virtual_time.ts";

const utf8 = new TextEncoder();
const text = new TextDecoder();
const DELIVERY_MS = 1;
const FOREVER = new AbortController().signal;

export interface WorldOptions {
  readonly segmentBytesMax?: number;
  readonly fsync?: FsyncPolicy;
  readonly seed?: number;
  readonly raft?: ReplicaOptions["raft"];
  readonly checkpointBytes?: number;
}

export class WorldNode {
  readonly id: string;
  readonly disk = new MemoryDisk();
  readonly events: RaftEvent[] = [];
  readonly notices: string[] = [];
  failure: Error | undefined;
  replica: Replica | undefined;
  /** Counts starts: the timers of an earlier life do not fire. */
  life = 0;

  constructor(id: string) {
    this.id = id;
  }

  /** The replica, which must be up. */
  get up(): Replica {
    if (this.replica === undefined) throw new Error(`${this.id} is down`);
    return this.replica;
  }
}

export class ReplicaWorld {
  readonly time = new VirtualTime();
  readonly nodes = new Map<string, WorldNode>();
  readonly #options: WorldOptions;
  readonly #random;
  readonly #cuts = new Set<string>();
  /** Sees, and may drop, each message. */
  filter: (message: Message) => boolean = () => true;
  sentCount = 0;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 1);
  }

  /** Founders that are open and know each other. */
  static async found(
    ids: readonly string[],
    options: WorldOptions = {},
  ): Promise<ReplicaWorld> {
    const world = new ReplicaWorld(options);
    for (const id of ids) await world.open(id);
    for (const id of ids) await world.bootstrap(id, ids);
    return world;
  }

  node(id: string): WorldNode {
    const known = this.nodes.get(id) ?? new WorldNode(id);
    this.nodes.set(id, known);
    return known;
  }

  async open(id: string): Promise<Replica> {
    const node = this.node(id);
    node.failure = undefined;
    node.life += 1;
    node.replica = await this.time.settled(
      Replica.open(this.#optionsFor(node)),
    );
    return node.replica;
  }

  async bootstrap(id: string, ids: readonly string[]): Promise<void> {
    const founders = ids.map(founderOf);
    await this.time.settled(this.node(id).up.bootstrap(founders));
  }

  /** Power loss, which takes what `random` says of what was not synced. */
  crash(id: string, random: Random = this.#random): void {
    const node = this.node(id);
    node.replica = undefined;
    node.life += 1;
    node.disk.crash(random);
  }

  async restart(id: string): Promise<Replica> {
    this.crash(id);
    return await this.open(id);
  }

  async stop(id: string): Promise<void> {
    const node = this.node(id);
    const { replica } = node;
    if (replica !== undefined) await this.time.settled(replica.stop());
    node.replica = undefined;
  }

  async stopAll(): Promise<void> {
    for (const id of this.nodes.keys()) await this.stop(id);
  }

  cut(id: string): void {
    for (const other of this.nodes.keys()) {
      this.#cuts.add(`${id}>${other}`);
      this.#cuts.add(`${other}>${id}`);
    }
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** Moves on until some node of `ids` leads and has committed in its term. */
  async leader(ids = [...this.nodes.keys()]): Promise<WorldNode> {
    const find = () =>
      ids.map((id) => this.node(id)).find(({ replica }) => {
        const status = replica?.status();
        return status?.role === "leader" &&
          status.commitIndex === status.lastIndex;
      });
    await this.time.until(() => find() !== undefined);
    const leader = find();
    if (leader === undefined) throw new Error("Nobody leads");
    return leader;
  }

  followersOf(leader: WorldNode): WorldNode[] {
    return [...this.nodes.values()].filter((node) => node !== leader);
  }

  produce(
    node: WorldNode,
    values: readonly string[],
    producer?: { id: bigint; sequence: number },
  ) {
    const records = recordsOf(values);
    const proposal = { records, count: values.length };
    const answer = node.up.propose(
      producer === undefined ? proposal : { ...proposal, producer },
    );
    return this.time.settled(answer);
  }

  /** Moves on until all nodes that are up have the same committed records. */
  async converge(): Promise<void> {
    const isSame = () => {
      const up = [...this.nodes.values()].flatMap((it) => it.replica ?? []);
      const ends = up.map((replica) => {
        const { commitIndex, lastIndex } = replica.status();
        return `${commitIndex} ${lastIndex} ${replica.nextOffset}`;
      });
      return new Set(ends).size === 1;
    };
    await this.time.until(isSame);
  }

  #optionsFor(node: WorldNode): ReplicaOptions {
    const { disk, life } = node;
    return {
      disk,
      clock: this.time,
      scheduler: {
        after: (delayMs, callback) =>
          this.time.after(delayMs, () => {
            if (life === node.life) callback();
          }),
      },
      random: this.#random,
      directory: "/data/default",
      logName: "default",
      nodeId: node.id,
      config: {
        segmentBytesMax: this.#options.segmentBytesMax ?? 1_000_000,
        segmentAgeMaxMs: Infinity,
      },
      retention: { bytesMax: null, ageMaxMs: null },
      fsync: this.#options.fsync ?? { kind: "always" },
      network: {
        send: (message, attachment) => {
          if (life === node.life) this.#send(message, attachment);
        },
      },
      watcher: {
        event: (event) => node.events.push(event),
        noticed: (text) => node.notices.push(text),
        failed: (cause) => {
          if (life === node.life) node.failure = cause;
        },
      },
      ...(this.#options.raft && { raft: this.#options.raft }),
      ...(this.#options.checkpointBytes !== undefined && {
        checkpointBytes: this.#options.checkpointBytes,
      }),
    };
  }

  #send(message: Outgoing, attachment: Attachment | undefined): void {
    const bytes = concatBytes(encodeMessage(message, attachment));
    const { from, to } = message;
    this.sentCount += 1;
    this.time.after(DELIVERY_MS, () => {
      if (this.#cuts.has(`${from}>${to}`)) return;
      const received = decodeMessage(bytes, parseEntries);
      if (this.filter(received)) this.nodes.get(to)?.replica?.receive(received);
    });
  }
}

export function founderOf(id: string): Founder {
  return { id, name: id, address: `${id}:8400` };
}

export function recordsOf(values: readonly string[]): Uint8Array {
  return encodeRecords(values.map((value) => ({ value: utf8.encode(value) })));
}

/** Values of all committed records that a replica has. */
export function valuesOf(replica: Replica): string[] {
  const values: string[] = [];
  for (let next = replica.lowestOffset; next < replica.nextOffset;) {
    const batch = replica.read({
      offset: next,
      bytesMax: 1_000,
      offsetEnd: offset(Number.MAX_SAFE_INTEGER),
      headroomBytes: 0,
    });
    if (batch === undefined) throw new Error(`Nothing at offset ${next}`);
    if (batch.baseOffset !== next) throw new Error(`Got ${batch.baseOffset}`);
    const records = decodeRecords(batch.buffer.subarray(batch.recordsStart));
    values.push(...records.map(({ value }) => text.decode(value)));
    next = offset(next + batch.count);
  }
  return values;
}

/** For `whenReadable` that nobody gives up. */
export const NEVER_ABORTED = FOREVER;
