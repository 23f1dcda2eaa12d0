/**
 * A whole node on a simulated machine: the agent's own log, gossip and cluster
 * parts, wired as `net/agent/agent.ts` wires them, without sockets.
 */
import type { AgentOptions } from "../../../net/agent/config.ts";
import { ClusterPart } from "../../../net/agent/cluster_part.ts";
import { raftNetwork } from "../../../net/agent/cluster/raft_network.ts";
import { handOverPart } from "../../../net/agent/cluster/hand_over.ts";
import { GossipPart } from "../../../net/agent/gossip_part.ts";
import type { Host as AgentHost } from "../../../net/agent/host.ts";
import { LogPart } from "../../../net/agent/log_part.ts";
import { type Part, startParts, stopParts } from "../../../net/agent/parts.ts";
import type { Replica } from "../../../net/runtime/replica/replica.ts";
import type { LogFields } from "../../../net/telemetry/log.ts";
import { MemoryDisk } from "../../support/memory_disk.ts";
import type { Machine, Process } from "../host.ts";
import { readValues } from "../replica/replica_node.ts";
import { SimLinks } from "./sim_links.ts";
import { simLogger } from "./sim_logger.ts";
import { SimRpc } from "./sim_rpc.ts";
import type { Tcp } from "./tcp.ts";
import type { Life, Wire } from "./wire.ts";

export const DATA_DIRECTORY = "/data";
export const GOSSIP_PORT = 8401;
const RPC_PORT = 8400;
/** Where all that knew of a leave were switched off, this is what ends it. */
const FAILED_REAP_MS = 120_000;
const WALL_START_MS = 1_700_000_000_000;

/** How a node is told to start. */
export type Start = Pick<
  AgentOptions,
  "joinSeeds" | "bootstrap" | "bootstrapExpect"
>;

export interface SimNodeWatcher {
  /** A log line of the agent. */
  logged(node: SimNode, message: string, fields: LogFields): void;
  linkRefused(node: SimNode, reason: string): void;
  broken(node: SimNode, cause: unknown): void;
  /** Time stands still until the work is done. */
  hold(work: Promise<unknown>): void;
  /** The address of a machine, by its name. */
  resolve(name: string): string | undefined;
}

export interface SimNodeOptions {
  readonly name: string;
  readonly address: string;
  readonly segmentBytesMax: number;
  readonly syncMaxMs: number;
  readonly start: () => Start;
  readonly gossipKeyFile: string | undefined;
  readonly wire: Wire;
  readonly tcp: Tcp;
  readonly watcher: SimNodeWatcher;
}

interface Parts {
  readonly log: LogPart;
  readonly gossip: GossipPart;
  readonly cluster: ClusterPart;
  readonly all: readonly Part[];
}

export class SimNode {
  readonly name: string;
  disk = new MemoryDisk();
  address: string;
  syncMaxMs: number;
  /** Counts starts. */
  life = 0;
  /** Counts disks: another one is another identity. */
  diskCount = 1;
  isStarted = false;
  /** Whether others hear of its end at once, as the machine stays on. */
  deathIsTold = false;
  /** What keeps it from doing its work in time. */
  trouble: "slow disk" | "full disk" | undefined;
  readonly #options: SimNodeOptions;
  #parts: Parts | undefined;
  #readTo = 0;

  constructor(options: SimNodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.address = options.address;
    this.syncMaxMs = options.syncMaxMs;
  }

  /** Of the disk: as the trace and the checkers name the node. */
  get id(): string {
    return `${this.name}${this.diskCount}`;
  }

  get nodeId(): string | undefined {
    return this.replica?.nodeId;
  }

  get clusterId(): string {
    return this.#parts?.cluster.clusterId ?? "";
  }

  /** Undefined before the node has started, and when it is down. */
  get replica(): Replica | undefined {
    return this.isStarted ? this.#parts?.log.default : undefined;
  }

  members() {
    return this.#parts?.gossip.members() ?? [];
  }

  boot(machine: Machine, run: (work: () => void) => void): Process {
    this.life += 1;
    this.deathIsTold = false;
    const { life } = this;
    const place: Life = {
      machine: this.name,
      address: this.address,
      run: (work) => {
        if (life === this.life) run(work);
      },
    };
    this.#options.wire.plugIn(place);
    this.#options.tcp.plugIn(place);
    this.disk.beforeSync = () =>
      new Promise((resolve) => {
        const { random } = machine;
        const delayMs = random.between({ from: 0, to: this.syncMaxMs });
        machine.after(delayMs, resolve);
      });
    const parts = this.#build(this.#host(machine, life), place);
    this.#parts = parts;
    startParts(parts.all).then(() => {
      if (life === this.life) this.isStarted = true;
    }, (error) => this.#fail(life, error));
    return { receive() {}, wake() {}, nextWakeMs: Infinity };
  }

  powerLoss(random: Machine["random"]): void {
    this.#end();
    this.disk.crash(random);
  }

  /** Leaves and ends, as on SIGTERM; resolves when the process would end. */
  async leave(): Promise<void> {
    const { life } = this;
    const parts = this.#parts;
    if (parts === undefined) return;
    this.isStarted = false;
    this.deathIsTold = true;
    await stopParts(parts.all).catch((error) => this.#fail(life, error));
  }

  /** Ends the log in order, so that its files can be compared. */
  async stopLog(): Promise<void> {
    await this.#parts?.cluster.stop();
    await this.#parts?.log.stop();
  }

  /** The disk is gone; the next start is that of a node nobody knows. */
  wipe(): void {
    this.disk = new MemoryDisk();
    this.diskCount += 1;
    this.#readTo = 0;
  }

  /** New committed records, in order. */
  *unread(): Generator<{ offset: number; value: string }> {
    const { replica } = this;
    if (replica === undefined) return;
    this.#readTo = Math.max(this.#readTo, replica.lowestOffset);
    yield* readValues(replica, this.#readTo);
    this.#readTo = Math.max(this.#readTo, replica.nextOffset);
  }

  #end(): void {
    this.life += 1;
    this.isStarted = false;
    this.#parts = undefined;
    this.#options.wire.unplug(this.address);
    const how = this.deathIsTold ? "told" : "any";
    this.#options.tcp.unplug(this.address, how);
  }

  #fail(life: number, cause: unknown): void {
    if (life === this.life) this.#options.watcher.broken(this, cause);
  }

  #build(host: AgentHost, place: Life): Parts {
    const { wire, watcher } = this.#options;
    const options = this.#agentOptions();
    const rpcAddress = `${this.address}:${RPC_PORT}`;
    const log: LogPart = new LogPart({
      options,
      host,
      network: raftNetwork({
        links: () => cluster.links,
        onDropped: (to) => log.default?.unreachable(to),
      }),
      onChange: () => {
        cluster.changed();
        rpc.leaderChanged();
      },
    });
    const rpc: SimRpc = new SimRpc({
      host,
      life: place,
      tcp: this.#options.tcp,
      log,
      cluster: () => cluster,
      gossip: () => gossip,
    });
    const cluster: ClusterPart = new ClusterPart({
      options,
      host,
      security: { peerTls: undefined },
      log,
      openLinks: (links) =>
        new SimLinks(links, {
          wire,
          life: place,
          onRefused: (reason) => watcher.linkRefused(this, reason),
        }),
      gossip: () => gossip,
      rpcAddress: () => rpcAddress,
    });
    const gossip: GossipPart = new GossipPart({
      options,
      host,
      network: {
        resolver: {
          addresses: (name) => this.#resolve(name),
          services: () => Promise.resolve([]),
        },
        listen: (bind, handler) =>
          Promise.resolve(wire.listen(place, bind, handler)),
      },
      tags: () => cluster.tags(),
      onEvent: (event) => cluster.onGossip(event),
    });
    const leadership = handOverPart({
      host,
      replicas: () => log.replicas.values(),
      members: () => gossip.members(),
    });
    const all = [
      log,
      cluster.peers,
      rpc,
      this.#heldAtStart(gossip),
      cluster,
      leadership,
    ];
    return { log, gossip, cluster, all };
  }

  /** It reads a file, and needs none of the virtual time for it. */
  #heldAtStart(gossip: GossipPart): Part {
    return {
      name: gossip.name,
      start: () => {
        const starting = gossip.start();
        this.#options.watcher.hold(starting);
        return starting;
      },
      stop: () => gossip.stop(),
    };
  }

  #resolve(name: string): Promise<string[]> {
    const address = this.#options.watcher.resolve(name);
    return address === undefined
      ? Promise.reject(new Error(`Host ${name} is unknown`))
      : Promise.resolve([address]);
  }

  #host(machine: Machine, life: number): AgentHost {
    return {
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
      disk: this.disk,
      logger: simLogger((message, fields) => {
        if (life === this.life) {
          this.#options.watcher.logged(this, message, fields);
        }
      }),
      fail: (cause) => this.#fail(life, cause),
    };
  }

  #agentOptions(): AgentOptions {
    return {
      ...this.#options.start(),
      dataDirectory: DATA_DIRECTORY,
      nodeName: this.name,
      bindAddress: { host: this.address, port: GOSSIP_PORT },
      rpcAddress: { host: this.address, port: RPC_PORT },
      advertiseAddress: undefined,
      joinTimeoutMs: undefined,
      failedReapMs: FAILED_REAP_MS,
      security: { kind: "insecure" },
      gossipKeyFile: this.#options.gossipKeyFile,
      fsync: { kind: "always" },
      segmentBytesMax: this.#options.segmentBytesMax,
      segmentAgeMaxMs: undefined,
      retentionBytes: undefined,
      retentionAgeMs: undefined,
      messageBytesMax: 1 << 20,
      logLevel: "info",
      logFormat: "json",
    };
  }
}
