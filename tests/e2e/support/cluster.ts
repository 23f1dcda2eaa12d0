/**
 * Several agents with real data directories that gossip makes one cluster.
 * Nodes keep their names and ports when they are started again, unless a test
 * wants others.
 */
import assert from "node:assert/strict";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import {
  GetStatusResponseSchema,
  LogStatusSchema,
} from "../../../net/rpc/gen/proglog/v1/admin_pb.ts";
import { askNode, type NodeAddress } from "./node_link.ts";
import {
  type AgentProcess,
  freePort,
  until,
  type Workspace,
} from "./process.ts";

const GET_STATUS = "/proglog.v1.Admin/GetStatus";
const NO_BYTES = new Uint8Array(0);

export interface ReplicaJson {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly role: "voter" | "learner";
  readonly is_leader: boolean;
  readonly lag_records: string;
}

export interface RaftJson {
  readonly role: string;
  readonly term: string;
  readonly leader_name: string;
  readonly is_leader: boolean;
  readonly fault_tolerance_left: number;
  readonly replicas: readonly ReplicaJson[];
}

export interface LogJson {
  readonly next_offset: string;
  readonly append_blocked: string;
  readonly raft: RaftJson;
}

interface Ports {
  readonly rpcPort: number;
  readonly gossipPort: number;
}

export interface ClusterOptions {
  readonly count?: number;
  /** For each agent, behind the cluster's own. */
  readonly args?: (name: string) => string[];
  readonly dataDirectory?: (name: string) => string;
  /** Default: all on 127.0.0.1. */
  readonly place?: (name: string) => Place;
}

export interface Place {
  readonly host: string;
  readonly namespace?: string;
}

export class Cluster {
  readonly workspace: Workspace;
  readonly names: readonly string[];
  readonly #options: ClusterOptions;
  readonly #ports = new Map<string, Ports>();
  readonly #agents = new Map<string, AgentProcess>();

  private constructor(workspace: Workspace, options: ClusterOptions) {
    this.workspace = workspace;
    this.#options = options;
    const count = options.count ?? 3;
    this.names = Array.from({ length: count }, (_, n) => `node-${n + 1}`);
  }

  /** Runs all agents, the first as founder, and waits until all are voters. */
  static async start(
    workspace: Workspace,
    options: ClusterOptions = {},
  ): Promise<Cluster> {
    const cluster = new Cluster(workspace, options);
    await cluster.newPorts();
    const [founder = "", ...others] = cluster.names;
    await cluster.launch(founder);
    const join = ["--join", cluster.seed(founder)];
    await Promise.all(others.map((name) => cluster.launch(name, join)));
    await cluster.untilVoters(cluster.names);
    return cluster;
  }

  /** The same without any process yet. */
  static async prepare(
    workspace: Workspace,
    options: ClusterOptions = {},
  ): Promise<Cluster> {
    const cluster = new Cluster(workspace, options);
    await cluster.newPorts();
    return cluster;
  }

  /** For the next start of every node. */
  async newPorts(): Promise<void> {
    for (const name of this.names) {
      const rpcPort = await freePort();
      this.#ports.set(name, { rpcPort, gossipPort: await freePort() });
    }
  }

  /** Starts a node, or starts it again with what its data directory has. */
  async launch(name: string, args: string[] = []): Promise<AgentProcess> {
    const { dataDirectory, args: always } = this.#options;
    const agent = await this.workspace.agent({
      name,
      ...this.place(name),
      ...this.#ports.get(name),
      ...(dataDirectory && { dataDirectory: dataDirectory(name) }),
      args: [...always?.(name) ?? [], ...args],
    });
    this.#agents.set(name, agent);
    return agent;
  }

  agent(name: string): AgentProcess {
    const agent = this.#agents.get(name);
    assert.ok(agent, `${name} was never started`);
    return agent;
  }

  dataDirectory(name: string): string {
    return this.#options.dataDirectory?.(name) ?? this.workspace.path(name);
  }

  /** Its gossip address. */
  seed(name: string): string {
    return `${this.place(name).host}:${this.#ports.get(name)?.gossipPort}`;
  }

  place(name: string): Place {
    return this.#options.place?.(name) ?? { host: "127.0.0.1" };
  }

  /** For client verbs: every agent, in this order. */
  get addresses(): string[] {
    return this.names.flatMap((name) => [
      "--addr",
      `${this.place(name).host}:${this.#ports.get(name)?.rpcPort}`,
    ]);
  }

  others(...names: readonly string[]): string[] {
    return this.names.filter((name) => !names.includes(name));
  }

  /** What a node says of its log; undefined while it does not answer. */
  async log(name: string): Promise<LogJson | undefined> {
    const bytes = await askNode(
      this.address(name),
      (client) => client.unary(GET_STATUS, NO_BYTES, { timeoutMs: 2_000 }),
    );
    if (bytes === undefined) return undefined;
    const status = fromBinary(GetStatusResponseSchema, bytes);
    const log = status.logs[0];
    if (log === undefined) return undefined;
    return toJson(LogStatusSchema, log, {
      useProtoFieldName: true,
      alwaysEmitImplicit: true,
    }) as unknown as LogJson;
  }

  address(name: string): NodeAddress {
    return {
      host: this.place(name).host,
      port: this.agent(name).rpcPort,
      configDirectory: this.workspace.path("config"),
    };
  }

  /** The node that leads, by its own word; waits for one among `names`. */
  async leader(names: readonly string[] = this.names): Promise<string> {
    let leader = "";
    await until(`one of ${names} leads`, async () => {
      const logs = await Promise.all(names.map((name) => this.log(name)));
      leader = names.find((_, n) => logs[n]?.raft?.is_leader) ?? "";
      return leader !== "";
    });
    return leader;
  }

  /** Waits until exactly these are the members, and all vote. */
  async untilVoters(names: readonly string[]): Promise<void> {
    const expected = names.map((name) => `${name} voter`).sort().join();
    await until(`the voters are ${names}`, async () => {
      const leader = await this.leader(names);
      const replicas = (await this.log(leader))?.raft.replicas ?? [];
      const found = replicas.map(({ name, role }) => `${name} ${role}`);
      return found.sort().join() === expected;
    });
  }

  /** Runs a verb on this cluster that must succeed; answers its output. */
  async run(...args: string[]): Promise<string> {
    const result = await this.workspace.run([...args, ...this.addresses]);
    assert.equal(result.code, 0, `${args.join(" ")}: ${result.stderr}`);
    return result.stdout;
  }
}
