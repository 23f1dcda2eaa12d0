/**
 * log.v1.Log as gRPC methods: the table of names and handlers. Handlers throw
 * ProglogError; status.ts makes it a status. Callers: the agent, tests in process.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import type { MethodHandler, Methods } from "../grpc/types.ts";
import type { ServiceBackend } from "./backend.ts";
import { consume, consumeStream } from "./consume.ts";
import { GetServersResponseSchema } from "./gen/log/v1/log_pb.ts";
import { produce, produceStream } from "./produce.ts";

export function logMethods(backend: ServiceBackend): Methods {
  return new Map<string, MethodHandler>([
    ["/log.v1.Log/Produce", {
      kind: "unary",
      handle: (message, call) => produce(backend, message, call),
    }],
    ["/log.v1.Log/Consume", {
      kind: "unary",
      handle: (message, call) => consume(backend, message, call),
    }],
    ["/log.v1.Log/ProduceStream", {
      kind: "bidi",
      handle: (messages, sink, call) =>
        produceStream(backend, messages, sink, call),
    }],
    ["/log.v1.Log/ConsumeStream", {
      kind: "server_stream",
      handle: (message, sink, call) =>
        consumeStream(backend, message, sink, call),
    }],
    ["/log.v1.Log/GetServers", {
      kind: "unary",
      handle: () => getServers(backend),
    }],
  ]);
}

/** As the reference: authenticated, but not asked for a permission. */
function getServers(backend: ServiceBackend): Uint8Array {
  const servers = backend.servers().map((server) => ({
    id: server.id,
    rpcAddr: server.rpcAddress,
    isLeader: server.isLeader,
  }));
  const response = create(GetServersResponseSchema, { servers });
  return toBinary(GetServersResponseSchema, response);
}
