import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { STATUS, StatusError } from "../../../net/grpc/status.ts";
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as Status,
  HealthCheckResponseSchema,
} from "../../../net/rpc/gen/grpc/health/v1/health_pb.ts";
import { HealthService } from "../../../net/rpc/health.ts";
import { makeGrpcPair } from "../../support/grpc_pair.ts";

const ask = (service: string) =>
  toBinary(
    HealthCheckRequestSchema,
    create(HealthCheckRequestSchema, { service }),
  );
const statusIn = (bytes: Uint8Array) =>
  fromBinary(HealthCheckResponseSchema, bytes).status;

Deno.test("Check answers by service and follows set()", async () => {
  const health = new HealthService(["log.v1.Log"], "serving");
  const { client } = makeGrpcPair({ methods: new Map(health.methods()) });
  const check = async (service: string) =>
    statusIn(await client.unary("/grpc.health.v1.Health/Check", ask(service)));
  assert.equal(await check(""), Status.SERVING);
  health.set("log.v1.Log", "not_serving");
  assert.equal(await check("log.v1.Log"), Status.NOT_SERVING);
  assert.equal(await check(""), Status.SERVING);
  health.setAll("not_serving");
  assert.equal(await check(""), Status.NOT_SERVING);
});

Deno.test("Check answers NOT_FOUND for an unknown service", async () => {
  const health = new HealthService([], "serving");
  const { client } = makeGrpcPair({ methods: new Map(health.methods()) });
  await assert.rejects(
    client.unary("/grpc.health.v1.Health/Check", ask("x")),
    (error) => error instanceof StatusError && error.code === STATUS.NOT_FOUND,
  );
});

Deno.test("Watch sends the status now and at each change until the caller leaves", async () => {
  const health = new HealthService([], "serving");
  const pair = makeGrpcPair({ methods: new Map(health.methods()) });
  const watch = (service: string) =>
    pair.client.serverStream("/grpc.health.v1.Health/Watch", ask(service));
  const next = async (messages: AsyncIterator<Uint8Array>) =>
    statusIn((await messages.next()).value!);
  const all = watch("");
  const later = watch("late");
  assert.equal(await next(all), Status.SERVING);
  assert.equal(await next(later), Status.SERVICE_UNKNOWN);
  health.set("", "not_serving");
  assert.equal(await next(all), Status.NOT_SERVING);
  health.set("late", "serving");
  assert.equal(await next(later), Status.SERVING);
  await all.return?.();
  await later.return?.();
  while (pair.server.callCount > 0) await Promise.resolve();
});
