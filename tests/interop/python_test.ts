/** Python's grpcio, gRPC's C core, as client of our server over mutual TLS. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeTestCertificates } from "../support/test_certificates.ts";
import { startInteropServer } from "./interop_server.ts";
import { here, PYTHON, pythonGrpc, runChecks, testWith } from "./programs.ts";

for (const responseCompression of ["identity", "gzip"] as const) {
  testWith(
    pythonGrpc(),
    `grpcio calls every kind of method, answered in ${responseCompression}`,
    async (context) => {
      const certificates = makeTestCertificates();
      const server = await startInteropServer({
        tls: certificates.server,
        responseCompression,
      });
      await runChecks(context, PYTHON, {
        args: [
          join(here, "python/client.py"),
          String(server.port),
          certificates.directory,
        ],
      });
      assert.equal(server.server.callCount, 0, "calls are left over");
      await server.stop();
      certificates.remove();
    },
  );
}
