/**
 * proglog.v1.Admin: what operators ask of one agent. Needs the permission
 * "admin" on the log, or on "*" for the whole node.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { offset } from "../../core/ids.ts";
import type { MethodHandler, Methods, ServerCall } from "../grpc/types.ts";
import {
  DEFAULT_LOG,
  findLog,
  type LogFacts,
  type ServiceBackend,
} from "./backend.ts";
import { decodeRequest } from "./decode_request.ts";
import {
  gossipKey,
  members,
  raftStatus,
  removeNode,
  transferLeader,
} from "./admin_cluster.ts";
import {
  GetStatusResponseSchema,
  TrimRequestSchema,
  TrimResponseSchema,
} from "./gen/proglog/v1/admin_pb.ts";

/** The object of permissions that concern the node, not one log. */
const ANY_LOG = "*";

export function adminMethods(backend: ServiceBackend): Methods {
  return new Map<string, MethodHandler>([
    ["/proglog.v1.Admin/GetStatus", {
      kind: "unary",
      handle: (_, call) => getStatus(backend, call),
    }],
    ["/proglog.v1.Admin/Trim", {
      kind: "unary",
      handle: (message, call) => trim(backend, message, call),
    }],
    ["/proglog.v1.Admin/Members", {
      kind: "unary",
      handle: (_, call) => members(backend, call),
    }],
    ["/proglog.v1.Admin/TransferLeader", {
      kind: "unary",
      handle: (message, call) => transferLeader(backend, message, call),
    }],
    ["/proglog.v1.Admin/RemoveNode", {
      kind: "unary",
      handle: (message, call) => removeNode(backend, message, call),
    }],
    ["/proglog.v1.Admin/GossipKey", {
      kind: "unary",
      handle: (message, call) => gossipKey(backend, message, call),
    }],
  ]);
}

function getStatus(backend: ServiceBackend, call: ServerCall): Uint8Array {
  backend.guard.authorize(call, ANY_LOG, "admin");
  const status = backend.status();
  const response = create(GetStatusResponseSchema, {
    nodeName: status.nodeName,
    version: status.version,
    uptimeMs: BigInt(status.uptimeMs),
    fsync: status.fsync,
    tls: status.tls,
    memoryBytes: BigInt(status.memoryBytes),
    dataDirectory: status.dataDirectory,
    diskFreeBytes: BigInt(status.diskFreeBytes),
    nodeId: backend.cluster?.nodeId ?? "",
    clusterId: backend.cluster?.clusterId ?? "",
    logs: status.logs.map((facts) => logStatus(backend, facts)),
  });
  return toBinary(GetStatusResponseSchema, response);
}

function logStatus({ cluster }: ServiceBackend, facts: LogFacts) {
  const raft = raftStatus(cluster, facts.name);
  return {
    name: facts.name,
    lowestOffset: BigInt(facts.lowestOffset),
    nextOffset: BigInt(facts.nextOffset),
    lastIndex: BigInt(facts.lastIndex),
    lastTerm: BigInt(facts.lastTerm),
    segmentCount: BigInt(facts.segmentCount),
    sizeBytes: BigInt(facts.sizeBytes),
    appendBlocked: facts.appendBlocked,
    ...(raft !== undefined && { raft }),
  };
}

async function trim(
  backend: ServiceBackend,
  message: Uint8Array,
  call: ServerCall,
): Promise<Uint8Array> {
  const request = decodeRequest(TrimRequestSchema, message);
  const name = request.log === "" ? DEFAULT_LOG : request.log;
  backend.guard.authorize(call, name, "admin");
  const log = findLog(backend, name);
  const removedBytes = await log.trim(offset(Number(request.beforeOffset)));
  const response = create(TrimResponseSchema, {
    lowestOffset: BigInt(log.lowestOffset),
    removedBytes: BigInt(removedBytes),
  });
  return toBinary(TrimResponseSchema, response);
}
