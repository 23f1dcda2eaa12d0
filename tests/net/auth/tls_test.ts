/** The certificates at work in real handshakes on loopback. */
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import {
  type CertificateMaterial,
  readCertificateFiles,
} from "../../../net/auth/certificate_files.ts";
import { initSecurityFiles } from "../../../net/auth/pki.ts";
import { type Identity, identityOf } from "../../../net/auth/subject.ts";

function material(directory: string, name: string): CertificateMaterial {
  return readCertificateFiles({
    certFile: join(directory, `${name}.pem`),
    keyFile: join(directory, `${name}-key.pem`),
    caFile: join(directory, "ca.pem"),
  });
}

/** What the server thinks of a client, or the error that the client sees. */
async function handshake(
  directory: string,
  client: { name: string; server?: string; host?: string },
): Promise<Identity | string> {
  const seen = Promise.withResolvers<Identity | string>();
  const server = tls.createServer({
    ...material(directory, client.server ?? "server"),
    requestCert: true,
    rejectUnauthorized: true,
  }, (socket) => {
    seen.resolve(identityOf(socket.getPeerCertificate()));
    socket.on("error", () => seen.resolve("server error"));
    socket.end();
  });
  server.on("tlsClientError", (error) => seen.resolve(error.message));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = tls.connect({
    ...material(directory, client.name),
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    ...(client.host === undefined ? {} : { servername: client.host }),
  });
  socket.on("error", (error) => seen.resolve(error.message));
  socket.resume();
  try {
    return await seen.promise;
  } finally {
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function withFiles(run: (directory: string) => Promise<void>) {
  const directory = Deno.makeTempDirSync();
  try {
    initSecurityFiles({ directory });
    await run(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("mutual TLS tells root, nobody and a peer apart", () =>
  withFiles(async (directory) => {
    assert.deepEqual(await handshake(directory, { name: "root-client" }), {
      ok: true,
      subject: "root",
      role: "client",
    });
    assert.deepEqual(await handshake(directory, { name: "nobody-client" }), {
      ok: true,
      subject: "nobody",
      role: "client",
    });
    assert.deepEqual(
      await handshake(directory, { name: "peer", host: "localhost" }),
      { ok: true, subject: "peer", role: "peer" },
    );
  }));

Deno.test("a client certificate cannot pose as a server, nor a server's as a client", () =>
  withFiles(async (directory) => {
    const asServer = await handshake(directory, {
      name: "peer",
      server: "root-client",
    });
    assert.equal(typeof asServer, "string", JSON.stringify(asServer));
    const asClient = await handshake(directory, { name: "server" });
    assert.equal(typeof asClient, "string", JSON.stringify(asClient));
  }));

Deno.test("a client of another authority is refused", () =>
  withFiles((directory) =>
    withFiles(async (other) => {
      for (const file of ["root-client.pem", "root-client-key.pem"]) {
        Deno.copyFileSync(join(other, file), join(directory, file));
      }
      const seen = await handshake(directory, { name: "root-client" });
      assert.equal(typeof seen, "string", JSON.stringify(seen));
    })
  ));
