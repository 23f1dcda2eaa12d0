/**
 * Nodes of a cluster as their clients and each other see them: the real handlers,
 * forwarder and gRPC machine, joined in memory. Their logs are one array that
 * whoever leads appends to; how much of it a node shows is up to the test.
 */
import assert from "node:assert/strict";
import type { Accepted, Proposal } from "../../core/cluster/proposal.ts";
import { ProglogError } from "../../core/errors.ts";
import { type Offset, offset } from "../../core/ids.ts";
import type { GrpcClient } from "../../net/grpc/client.ts";
import type { Peer } from "../../net/grpc/types.ts";
import { adminMethods } from "../../net/rpc/admin.ts";
import type {
  LogBackend,
  ReadRequest,
  RecordBatch,
  ServiceBackend,
} from "../../net/rpc/backend.ts";
import type { ClusterBackend } from "../../net/rpc/cluster_backend.ts";
import { Forwarder } from "../../net/rpc/forward.ts";
import { callerOf } from "../../net/rpc/on_behalf.ts";
import { logMethods } from "../../net/rpc/service.ts";
import { statusOf } from "../../net/rpc/status.ts";
import { Waiters } from "../../net/runtime/waiters.ts";
import { makeGrpcPair } from "./grpc_pair.ts";
import { InstantTime } from "./instant_time.ts";
import { seededRandom } from "./seeded_random.ts";

export const CLIENT: Peer = {
  subject: "root",
  role: "client",
  address: "memory",
};
export const PEER: Peer = { subject: "peer", role: "peer", address: "memory" };

interface Appended {
  readonly key: string;
  /** The subject for whom it was appended. */
  readonly by: string | undefined;
  readonly records: Uint8Array;
}

export class MemoryCluster {
  readonly time = new InstantTime();
  readonly nodes = new Map<string, MemoryNode>();
  /** Who leads, as everybody knows. */
  leader: string | undefined;
  readonly appended: Appended[] = [];
  readonly byKey = new Map<string, Accepted>();
  readonly waiters = new Waiters();

  /** The first one leads. Names are addresses, too. */
  constructor(names: readonly string[] = ["a", "b"]) {
    this.leader = names[0];
    for (const name of names) this.nodes.set(name, new MemoryNode(name, this));
  }

  node(name: string): MemoryNode {
    const node = this.nodes.get(name);
    assert.ok(node !== undefined, `there is no node ${name}`);
    return node;
  }
}

export class MemoryNode {
  readonly backend: ServiceBackend;
  readonly name: string;
  readonly #cluster: MemoryCluster;
  #connections: (() => void)[] = [];
  dialCount = 0;
  /** Paths of the calls of clients and peers, in order. */
  readonly calls: string[] = [];
  isReachable = true;
  /** Reaches no other node: clients reach it, and it knows of no leader. */
  isCutOff = false;
  /** Records from here on are not there yet. */
  lagsAt = Infinity;
  /** Called before an append; may throw. */
  beforeAppend: () => void = () => undefined;
  /** Called after an append, before it is acknowledged. */
  afterAppend: () => void | Promise<void> = () => undefined;
  /** Makes reads here fresh; may throw. Undefined: the node offers no barrier. */
  readBarrier: LogBackend["readBarrier"];
  /** Called before each batch that is read; may throw. */
  beforeRead: () => void = () => undefined;
  #subject: string | undefined;

  constructor(name: string, cluster: MemoryCluster) {
    this.name = name;
    this.#cluster = cluster;
    this.backend = {
      guard: {
        generation: 0,
        authorize: (call) => void (this.#subject = callerOf(call)),
      },
      log: () => this.#log(),
      servers: () => this.#servers(),
      status: () => this.#status(),
      forwarder: this.#forwarder(),
    };
  }

  dial(peer: Peer): Promise<{ client: GrpcClient; close: () => void }> {
    this.dialCount += 1;
    if (!this.isReachable) {
      return Promise.reject(new ProglogError("unavailable", "refused"));
    }
    const methods = new Map([
      ...logMethods(this.backend),
      ...adminMethods(this.backend),
    ]);
    const pair = makeGrpcPair({
      methods,
      statusOf,
      peer,
      intercept: ({ path }) => void this.calls.push(path),
    });
    const close = () => {
      const reason = new ProglogError("unavailable", "cut");
      pair.clientWire.close(reason);
      pair.serverWire.close(reason);
    };
    this.#connections.push(close);
    return Promise.resolve({ client: pair.client, close });
  }

  /** Gives the node a cluster backend, for the admin calls. */
  withCluster(cluster: ClusterBackend): void {
    Object.assign(this.backend, { cluster });
  }

  /** Breaks all connections to this node. */
  cut(): void {
    for (const close of this.#connections.splice(0)) close();
  }

  /** As kill -9 does: no connections, and no new ones. */
  kill(): void {
    this.isReachable = false;
    this.cut();
  }

  #forwarder(): Forwarder {
    const cluster = this.#cluster;
    return new Forwarder({
      leader: () => {
        const leader = this.#leader;
        if (leader === undefined) return undefined;
        return leader === this.name
          ? { kind: "here" }
          : { kind: "there", address: leader };
      },
      dial: (address) => cluster.node(address).dial(PEER),
      clock: cluster.time,
      scheduler: cluster.time,
      random: seededRandom(1),
    });
  }

  #servers() {
    return [...this.#cluster.nodes.keys()].map((name) => ({
      id: name,
      rpcAddress: name,
      isLeader: name === this.#leader,
    }));
  }

  get #leader(): string | undefined {
    return this.isCutOff ? undefined : this.#cluster.leader;
  }

  #status() {
    return {
      nodeName: this.name,
      version: "0",
      uptimeMs: 5,
      fsync: "always",
      tls: true,
      memoryBytes: 1,
      dataDirectory: "/data",
      diskFreeBytes: 1,
      logs: [{
        name: "default",
        lowestOffset: 0,
        nextOffset: this.#end(),
        lastIndex: 0,
        lastTerm: 0,
        segmentCount: 1,
        sizeBytes: 0,
        appendBlocked: "",
      }],
    };
  }

  #end(): Offset {
    return offset(Math.min(this.lagsAt, this.#cluster.appended.length));
  }

  #log(): LogBackend {
    const end = () => this.#end();
    const { readBarrier } = this;
    return {
      lowestOffset: offset(0),
      get nextOffset() {
        return end();
      },
      ...(readBarrier !== undefined && { readBarrier }),
      propose: (proposal) => this.#propose(proposal),
      read: (request) => this.#read(request),
      offsetAtTime: () => offset(0),
      whenReadable: (from, signal) =>
        from < this.#end()
          ? Promise.resolve()
          : this.#cluster.waiters.wait(signal),
      trim: () => Promise.resolve(0),
    };
  }

  /** One record a batch. */
  #read(request: ReadRequest): RecordBatch | undefined {
    this.beforeRead();
    const from = request.offset;
    if (from >= Math.min(this.#end(), request.offsetEnd)) return undefined;
    const records = this.#cluster.appended[from]?.records ?? new Uint8Array(0);
    const buffer = new Uint8Array(request.headroomBytes + records.length);
    buffer.set(records, request.headroomBytes);
    return {
      baseOffset: from,
      count: 1,
      appendTimeMs: 1,
      term: 1,
      buffer,
      recordsStart: request.headroomBytes,
    };
  }

  async #propose(proposal: Proposal): Promise<Accepted> {
    const { producer, count, records } = proposal;
    const cluster = this.#cluster;
    if (this.#leader !== this.name) {
      throw new ProglogError("not_leader", `${this.name} does not lead`);
    }
    this.beforeAppend();
    const key = producer === undefined
      ? "none"
      : `${producer.id}/${producer.sequence}`;
    const known = cluster.byKey.get(key);
    if (known !== undefined) return known;
    const accepted = { offset: cluster.appended.length, count };
    const by = this.#subject;
    cluster.appended.push({ key, by, records: records.slice() });
    cluster.waiters.wake();
    if (producer !== undefined) cluster.byKey.set(key, accepted);
    await this.afterAppend();
    return accepted;
  }
}
