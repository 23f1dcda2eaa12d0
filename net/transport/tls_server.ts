/**
 * The TLS half of the listener: verifies client certificates, picks the
 * protocol by ALPN, tells in words why a handshake failed. Callers: listener.ts.
 */
import type { Server, Socket } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import { watchFirstByte } from "./first_byte.ts";
import { addressOf } from "./listener.ts";
import type { PortOptions } from "./port_options.ts";
import { explainClientFailure } from "./tls_words.ts";
import type { TlsMaterial } from "./types.ts";

export interface TlsPort {
  readonly server: Server;
  setSecureContext(material: TlsMaterial): void;
}

const NO_BYTES = new Uint8Array(0);

export function createTlsServer(
  options: PortOptions,
  material: TlsMaterial,
): TlsPort {
  const server = tls.createServer({
    ...secureOptions(material),
    ALPNProtocols: [...options.protocols.keys()],
    handshakeTimeout: options.limits.handshakeTimeoutMs,
  });
  server.on("secureConnection", (socket) => secured(socket, options));
  server.on("tlsClientError", (error, socket) => {
    socket.on("error", () => undefined);
    const reason = explainClientFailure(error, {
      authorizationError: textOf(socket.authorizationError),
    });
    options.onRefused({ address: addressOf(rawSocketOf(socket)), reason });
    socket.destroy();
  });
  return {
    server,
    setSecureContext: (next) => server.setSecureContext(secureOptions(next)),
  };
}

function secureOptions(material: TlsMaterial): tls.TlsOptions {
  return {
    cert: material.cert,
    key: material.key,
    ca: material.ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.2",
  };
}

function secured(socket: TLSSocket, options: PortOptions): void {
  const address = addressOf(socket);
  const refuse = (reason: string) => {
    options.onRefused({ address, reason });
    socket.on("error", () => undefined);
    socket.destroy();
  };
  if (!socket.authorized) {
    return refuse("the client's certificate is not trusted");
  }
  const protocol = socket.alpnProtocol;
  if (typeof protocol !== "string" || protocol === "") {
    return refuse("the client offers no protocol by ALPN");
  }
  watchFirstByte(socket, options, () => refuse("no byte after the handshake"));
  const identity = options.identify(socket.getPeerCertificate());
  const connection = { socket, identity, address, firstBytes: NO_BYTES };
  options.onAccepted(protocol, connection);
}

/** A TLS socket that failed has no address of its own any more. */
function rawSocketOf(socket: TLSSocket): Socket | undefined {
  return Reflect.get(socket, "_parent") as Socket | undefined;
}

function textOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  return value instanceof Error ? value.message : String(value);
}
