/** The echo server with health and reflection, as outside clients find it. */
import { HealthService } from "../../net/rpc/health.ts";
import { reflectionMethods } from "../../net/rpc/reflection.ts";
import type { MethodHandler } from "../../net/grpc/types.ts";
import type { Compression } from "../../net/grpc/compression.ts";
import type { TlsMaterial } from "../../net/transport/types.ts";
import { type EchoServer, startEchoServer } from "../support/echo_server.ts";

const EMPTY = new Uint8Array(0);

/** "/test.v1.Echo/Flip" changes the health of "" from one status to the other. */
export function startInteropServer(
  options: {
    tls: TlsMaterial | undefined;
    responseCompression?: Compression;
  },
): Promise<EchoServer> {
  const health = new HealthService(["log.v1.Log"], "serving");
  let isServing = true;
  const flip: MethodHandler = {
    kind: "unary",
    handle: () => {
      isServing = !isServing;
      health.set("", isServing ? "serving" : "not_serving");
      return EMPTY;
    },
  };
  return startEchoServer({
    ...options,
    messageSizeMaxBytes: 64 * 1024 * 1024,
    extraMethods: new Map([
      ...health.methods(),
      ...reflectionMethods(["log.v1.Log", "grpc.health.v1.Health"]),
      ["/test.v1.Echo/Flip", flip],
    ]),
  });
}
