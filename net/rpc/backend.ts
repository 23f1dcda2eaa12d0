/**
 * What the handlers need from the node that they serve: logs, authorization,
 * and who is in the cluster. The agent provides it.
 */
import type { Accepted, Proposal } from "../../core/cluster/proposal.ts";
import { ProglogError } from "../../core/errors.ts";
import type { Offset } from "../../core/ids.ts";
import type { ServerCall } from "../grpc/types.ts";
import type { ClusterBackend, ReadBarrier } from "./cluster_backend.ts";
import type { Forwarder } from "./forward.ts";

export const DEFAULT_LOG = "default";

export type Action = "produce" | "consume" | "admin";

/** Consecutive records, with room in front of them for message heads. */
export interface RecordBatch {
  readonly baseOffset: number;
  readonly count: number;
  readonly appendTimeMs: number;
  readonly term: number;
  /** The records are `buffer` from `recordsStart` to its end. */
  readonly buffer: Uint8Array;
  readonly recordsStart: number;
}

export interface ReadRequest {
  readonly offset: Offset;
  /** About how many bytes of records; at least one record is returned. */
  readonly bytesMax: number;
  /** Records at or after this offset are left out. */
  readonly offsetEnd: Offset;
  /** Free bytes in front of the records. */
  readonly headroomBytes: number;
}

export interface LogBackend {
  readonly lowestOffset: Offset;
  /** The offset after the last readable record. */
  readonly nextOffset: Offset;
  /**
   * Resolves when the records are durable (in a cluster: committed). After
   * `unavailable` nobody knows whether they were appended; after any other
   * rejection, `not_leader` among them, they were not and will not be.
   */
  propose(proposal: Proposal): Promise<Accepted>;
  /** Undefined at the end of the log. Throws `offset_out_of_range`, `corrupt`. */
  read(request: ReadRequest): RecordBatch | undefined;
  /** Offset of the first record appended at or after a time, or `nextOffset`. */
  offsetAtTime(timeMs: number): Offset;
  /** Resolves when `offset` can be read or `signal` aborts. */
  whenReadable(offset: Offset, signal: AbortSignal): Promise<void>;
  /** Drops whole segments below `before`; returns how many bytes went. */
  trim(before: Offset): Promise<number>;
  /** Not there on a node without a cluster: its reads are always fresh. */
  readonly readBarrier?: ReadBarrier;
}

export interface Guard {
  /** Throws `permission_denied` or `unauthenticated`. */
  authorize(call: ServerCall, object: string, action: Action): void;
  /** Grows when `authorize` may answer otherwise than before. */
  readonly generation: number;
}

export interface ServerInfo {
  readonly id: string;
  readonly rpcAddress: string;
  readonly isLeader: boolean;
}

/** What an operator sees of one log. */
export interface LogFacts {
  readonly name: string;
  readonly lowestOffset: number;
  readonly nextOffset: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly segmentCount: number;
  readonly sizeBytes: number;
  /** Why appends are refused now; empty when they are not. */
  readonly appendBlocked: string;
}

/** What an operator sees of one node. */
export interface NodeStatus {
  readonly nodeName: string;
  readonly version: string;
  readonly uptimeMs: number;
  readonly fsync: string;
  readonly tls: boolean;
  readonly memoryBytes: number;
  readonly dataDirectory: string;
  readonly diskFreeBytes: number;
  readonly logs: readonly LogFacts[];
}

export interface ServiceBackend {
  readonly guard: Guard;
  /** A log by its name; undefined when there is none. */
  log(name: string): LogBackend | undefined;
  servers(): readonly ServerInfo[];
  status(): NodeStatus;
  /** Not there on a node without a cluster. */
  readonly cluster?: ClusterBackend;
  /** Takes to the leader what this node cannot do; not there without a cluster. */
  readonly forwarder?: Forwarder;
}

/** The log that a request names; an empty name is the default log. */
export function findLog(
  backend: ServiceBackend,
  name: string,
): LogBackend {
  const log = backend.log(name === "" ? DEFAULT_LOG : name);
  if (log !== undefined) return log;
  throw new ProglogError("not_found", `There is no log "${name}"`, {
    details: { log: name },
  });
}
