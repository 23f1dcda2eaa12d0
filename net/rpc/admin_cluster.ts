/**
 * The part of proglog.v1.Admin that concerns the cluster. A node without one
 * answers for a cluster of one: itself. Callers: admin.ts.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { ProglogError } from "../../core/errors.ts";
import type { ServerCall } from "../grpc/types.ts";
import { DEFAULT_LOG, type ServiceBackend } from "./backend.ts";
import type {
  ClusterBackend,
  KeyOperation,
  RaftFacts,
  RemovalFacts,
  ReplicaFacts,
  VoterSetFacts,
} from "./cluster_backend.ts";
import { decodeRequest } from "./decode_request.ts";
import {
  GossipKeyRequestSchema,
  GossipKeyResponseSchema,
  KeyOperation as WireOperation,
  MembersResponseSchema,
  RemoveNodeRequestSchema,
  RemoveNodeResponseSchema,
  TransferLeaderRequestSchema,
  TransferLeaderResponseSchema,
} from "./gen/proglog/v1/admin_pb.ts";

/** The object of permissions that concern the node, not one log. */
const ANY_LOG = "*";
const PATH_TRANSFER = "/proglog.v1.Admin/TransferLeader";
const PATH_REMOVE = "/proglog.v1.Admin/RemoveNode";

export function members(
  backend: ServiceBackend,
  call: ServerCall,
): Uint8Array {
  backend.guard.authorize(call, ANY_LOG, "admin");
  const known = backend.cluster?.members() ?? [itself(backend)];
  const response = create(MembersResponseSchema, {
    members: known.map((member) => ({
      name: member.name,
      address: member.address,
      status: member.status,
      tags: { ...member.tags },
      sinceMs: BigInt(Math.round(member.sinceMs)),
    })),
  });
  return toBinary(MembersResponseSchema, response);
}

export async function transferLeader(
  backend: ServiceBackend,
  message: Uint8Array,
  call: ServerCall,
): Promise<Uint8Array> {
  const request = decodeRequest(TransferLeaderRequestSchema, message);
  const log = request.log === "" ? DEFAULT_LOG : request.log;
  backend.guard.authorize(call, log, "admin");
  const cluster = clusterOf(backend, "hand over leadership");
  const to = request.to === "" ? undefined : request.to;
  return await atLeader(backend, call, {
    log,
    path: PATH_TRANSFER,
    message,
    doHere: async () => {
      const { id, name } = await cluster.transferLeader({ log, to });
      const response = { leaderId: id, leaderName: name };
      return toBinary(
        TransferLeaderResponseSchema,
        create(TransferLeaderResponseSchema, response),
      );
    },
  });
}

export async function removeNode(
  backend: ServiceBackend,
  message: Uint8Array,
  call: ServerCall,
): Promise<Uint8Array> {
  const { node, dryRun } = decodeRequest(RemoveNodeRequestSchema, message);
  backend.guard.authorize(call, ANY_LOG, "admin");
  const cluster = clusterOf(backend, "remove a node");
  const mode = dryRun ? "dry_run" : "remove";
  return await atLeader(backend, call, {
    log: DEFAULT_LOG,
    path: PATH_REMOVE,
    message,
    doHere: async () => {
      const facts = await cluster.removeNode({ node, mode });
      return removeNodeResponse(facts, mode);
    },
  });
}

export async function gossipKey(
  backend: ServiceBackend,
  message: Uint8Array,
  call: ServerCall,
): Promise<Uint8Array> {
  const request = decodeRequest(GossipKeyRequestSchema, message);
  backend.guard.authorize(call, ANY_LOG, "admin");
  const cluster = clusterOf(backend, "manage gossip keys");
  const operation = operationOf(request.operation);
  const facts = await cluster.gossipKey({ operation, key: request.key });
  const response = create(GossipKeyResponseSchema, {
    keys: facts.keys.map((key) => ({ ...key })),
    failures: facts.failures.map((failure) => ({ ...failure })),
    nodeCount: facts.nodeCount,
  });
  return toBinary(GossipKeyResponseSchema, response);
}

/** The `raft` field of a log's status; undefined without a cluster. */
export function raftStatus(cluster: ClusterBackend | undefined, log: string) {
  const facts = cluster?.raft(log);
  if (facts === undefined) return undefined;
  const leader = facts.replicas.find(({ id }) => id === facts.leaderId);
  return {
    role: facts.role,
    term: BigInt(facts.term),
    leaderId: facts.leaderId ?? "",
    leaderName: leader?.name ?? "",
    leaderAddress: leader?.address ?? "",
    commitIndex: BigInt(facts.commitIndex),
    appliedIndex: BigInt(facts.appliedIndex),
    replicas: facts.replicas.map(replicaStatus),
    isLeader: isLeading(facts),
    faultToleranceLeft: facts.faultToleranceLeft ?? 0,
  };
}

function isLeading(facts: RaftFacts): boolean {
  return facts.role === "leader";
}

function replicaStatus({ progress, ...replica }: ReplicaFacts) {
  const { id, name, address, role, isLeader } = replica;
  return {
    id,
    name,
    address,
    role,
    isLeader,
    state: progress?.state ?? "",
    matchIndex: BigInt(progress?.matchIndex ?? 0),
    lagRecords: BigInt(progress?.lagRecords ?? 0),
    lagMs: BigInt(Math.round(progress?.lagMs ?? 0)),
    silentMs: BigInt(Math.round(progress?.silentMs ?? 0)),
  };
}

function atLeader(
  { forwarder }: ServiceBackend,
  call: ServerCall,
  work: {
    log: string;
    path: string;
    message: Uint8Array;
    doHere: () => Promise<Uint8Array>;
  },
): Promise<Uint8Array> {
  if (forwarder === undefined) return work.doHere();
  const { log, path } = work;
  return forwarder.unary({ log, path, call }, { ...work, isRepeatable: "no" });
}

function removeNodeResponse(
  facts: RemovalFacts,
  mode: "dry_run" | "remove",
): Uint8Array {
  const response = create(RemoveNodeResponseSchema, {
    nodeId: facts.id,
    nodeName: facts.name,
    removed: mode === "remove",
    refusal: facts.refusal ?? "",
    before: voterSet(facts.before),
    after: voterSet(facts.after),
  });
  return toBinary(RemoveNodeResponseSchema, response);
}

function voterSet(facts: VoterSetFacts) {
  return {
    voters: [...facts.voters],
    quorum: facts.quorum,
    reachable: facts.reachableCount,
    faultToleranceLeft: facts.faultToleranceLeft,
  };
}

function operationOf(operation: WireOperation): KeyOperation {
  switch (operation) {
    case WireOperation.LIST:
      return "list";
    case WireOperation.INSTALL:
      return "install";
    case WireOperation.USE:
      return "use";
    case WireOperation.REMOVE:
      return "remove";
    default:
      throw new ProglogError(
        "invalid_argument",
        `Cannot do key operation ${operation} as it is unknown`,
      );
  }
}

function clusterOf(backend: ServiceBackend, what: string): ClusterBackend {
  if (backend.cluster !== undefined) return backend.cluster;
  throw new ProglogError(
    "invalid_argument",
    `Cannot ${what} as this node runs alone`,
  );
}

function itself(backend: ServiceBackend) {
  const { nodeName, uptimeMs } = backend.status();
  const [server] = backend.servers();
  const rpcAddress = server?.rpcAddress ?? "";
  return {
    name: nodeName,
    address: rpcAddress,
    status: "alive" as const,
    tags: { rpc_addr: rpcAddress },
    sinceMs: uptimeMs,
  };
}
