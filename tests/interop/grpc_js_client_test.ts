/** grpc-js on Node as client of our server, over mutual TLS. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeTestCertificates } from "../support/test_certificates.ts";
import { startInteropServer } from "./interop_server.ts";
import {
  grpcJsEnvironment,
  here,
  nodeGrpcJs,
  runChecks,
  testWith,
} from "./programs.ts";

for (const responseCompression of ["identity", "gzip"] as const) {
  testWith(
    nodeGrpcJs(),
    `grpc-js calls every kind of method, answered in ${responseCompression}`,
    async (context) => {
      const certificates = makeTestCertificates();
      const server = await startInteropServer({
        tls: certificates.server,
        responseCompression,
      });
      await runChecks(context, "node", {
        args: [
          join(here, "grpc_js/client.cjs"),
          String(server.port),
          certificates.directory,
          join(here, "../../net/rpc/proto"),
        ],
        env: grpcJsEnvironment(),
      });
      assert.equal(server.server.callCount, 0, "calls are left over");
      await server.stop();
      certificates.remove();
    },
  );
}
