/**
 * Asks a running agent whether it serves, through our own gRPC client.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { dialGrpc } from "../../../net/grpc/dial.ts";
import { createClock, createScheduler } from "../../../net/os/clock.ts";
import {
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus,
  HealthCheckResponseSchema,
} from "../../../net/rpc/gen/grpc/health/v1/health_pb.ts";
import type { TlsMaterial } from "../../../net/transport/types.ts";

export const { SERVING } = HealthCheckResponse_ServingStatus;

/** The status of the whole server; without `tls`, over a plain connection. */
export async function checkHealth(
  options: { port: number; tls?: TlsMaterial },
): Promise<HealthCheckResponse_ServingStatus> {
  const link = await dialGrpc({
    host: "127.0.0.1",
    port: options.port,
    tls: options.tls,
    clock: createClock(),
    scheduler: createScheduler(),
  });
  try {
    const answer = await link.client.unary(
      "/grpc.health.v1.Health/Check",
      toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema)),
    );
    return fromBinary(HealthCheckResponseSchema, answer).status;
  } finally {
    link.close();
  }
}
