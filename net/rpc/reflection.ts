/**
 * Server reflection, v1 and v1alpha (the same messages under two names): answers
 * grpcurl-like clients from the descriptors of our own protos.
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { STATUS } from "../grpc/status.ts";
import type { MessageSink, MethodHandler } from "../grpc/types.ts";
import { decodeRequest } from "./decode_request.ts";
import { DescriptorIndex } from "./descriptor_index.ts";
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "./gen/grpc/reflection/v1/reflection_pb.ts";

type Answer = NonNullable<
  MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]
>;

/** `services`: full names that the server has, besides reflection itself. */
export function reflectionMethods(
  services: readonly string[],
): [path: string, handler: MethodHandler][] {
  const names = ["v1", "v1alpha"].map((version) =>
    `grpc.reflection.${version}.ServerReflection`
  );
  const index = new DescriptorIndex();
  const all = [...services, ...names].sort();
  const handle = (requests: AsyncIterable<Uint8Array>, sink: MessageSink) =>
    answerAll({ index, services: all }, requests, sink);
  return names.map((
    name,
  ) => [`/${name}/ServerReflectionInfo`, { kind: "bidi", handle }]);
}

interface Known {
  readonly index: DescriptorIndex;
  readonly services: readonly string[];
}

async function answerAll(
  known: Known,
  requests: AsyncIterable<Uint8Array>,
  sink: MessageSink,
): Promise<void> {
  for await (const bytes of requests) {
    const request = decodeRequest(ServerReflectionRequestSchema, bytes);
    const response = create(ServerReflectionResponseSchema, {
      validHost: request.host,
      originalRequest: request,
      messageResponse: answer(known, request.messageRequest),
    });
    const encoded = toBinary(ServerReflectionResponseSchema, response);
    if (!sink.send(encoded)) await sink.drained();
  }
}

function answer(
  { index, services }: Known,
  request: ServerReflectionRequest["messageRequest"],
): Answer {
  switch (request.case) {
    case "listServices":
      return {
        case: "listServicesResponse",
        value: { service: services.map((name) => ({ name })) },
      };
    case "fileByFilename":
      return files(index.filesByName(request.value), request.value);
    case "fileContainingSymbol":
      return files(index.filesBySymbol(request.value), request.value);
    case "allExtensionNumbersOfType":
      return index.filesBySymbol(request.value) === undefined
        ? notFound(request.value)
        : {
          case: "allExtensionNumbersResponse",
          value: { baseTypeName: request.value, extensionNumber: [] },
        };
    case "fileContainingExtension":
      return notFound(
        `extension ${request.value.extensionNumber} of ${request.value.containingType}`,
      );
    case undefined:
      return error(STATUS.INVALID_ARGUMENT, "The request asks nothing");
  }
}

function files(found: Uint8Array[] | undefined, name: string): Answer {
  if (found === undefined) return notFound(name);
  return {
    case: "fileDescriptorResponse",
    value: { fileDescriptorProto: found },
  };
}

function notFound(what: string): Answer {
  return error(STATUS.NOT_FOUND, `Unknown: ${what}`);
}

function error(errorCode: number, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
