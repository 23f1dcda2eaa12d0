import assert from "node:assert/strict";
import {
  create,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  ServerReflectionRequestSchema as Request,
  ServerReflectionResponseSchema as Response,
} from "../../../net/rpc/gen/grpc/reflection/v1/reflection_pb.ts";
import { reflectionMethods } from "../../../net/rpc/reflection.ts";
import { makeGrpcPair } from "../../support/grpc_pair.ts";

async function ask(
  question: MessageInitShape<typeof Request>["messageRequest"],
  version = "v1",
) {
  const { client } = makeGrpcPair({
    methods: new Map(reflectionMethods(["log.v1.Log"])),
  });
  const path =
    `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const call = client.bidi(path);
  const request = create(Request, { messageRequest: question! });
  call.requests.send(toBinary(Request, request));
  call.requests.end();
  const { value } = await call.responses.next();
  return fromBinary(Response, value!).messageResponse;
}

function namesOf(answer: Awaited<ReturnType<typeof ask>>): string[] {
  assert.equal(answer.case, "fileDescriptorResponse");
  return answer.value.fileDescriptorProto.map((file) =>
    fromBinary(FileDescriptorProtoSchema, file).name
  );
}

for (const version of ["v1", "v1alpha"]) {
  Deno.test(`${version} lists the services that the server has`, async () => {
    const answer = await ask({ case: "listServices", value: "" }, version);
    assert.equal(answer.case, "listServicesResponse");
    assert.deepEqual(answer.value.service.map(({ name }) => name), [
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "log.v1.Log",
    ]);
  });
}

for (
  const symbol of [
    "log.v1.Log",
    "log.v1.Log.Produce",
    "log.v1.Record",
    "log.v1.Record.value",
    "log.v1.AtEnd",
  ]
) {
  Deno.test(`fileContainingSymbol finds ${symbol}`, async () => {
    const answer = await ask({ case: "fileContainingSymbol", value: symbol });
    assert.deepEqual(namesOf(answer), ["log/v1/log.proto"]);
  });
}

Deno.test("fileByFilename brings what the file imports", async () => {
  const value = "google/rpc/status.proto";
  const answer = await ask({ case: "fileByFilename", value });
  assert.deepEqual(namesOf(answer), [value, "google/protobuf/any.proto"]);
});

Deno.test("an unknown symbol is answered NOT_FOUND within the stream", async () => {
  const answer = await ask({ case: "fileContainingSymbol", value: "a.B" });
  assert.equal(answer.case, "errorResponse");
  assert.equal(answer.value.errorCode, 5);
});
