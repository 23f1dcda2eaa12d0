/**
 * Connects to a server: TCP, then TLS with our certificate. The server's
 * certificate must be signed by the given authority and name the host; an IP
 * address is compared with the certificate's addresses here, as the runtime
 * takes only names. Every failure is a ProglogError in words.
 */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import tls, { type PeerCertificate, type TLSSocket } from "node:tls";
import type { Scheduler } from "../../core/env.ts";
import { ProglogError } from "../../core/errors.ts";
import { explainServerFailure, isHangUp } from "./tls_words.ts";
import type { TlsMaterial } from "./types.ts";

/** Sent as server name where the host is an address; no certificate needs it. */
const NAME_FOR_ADDRESSES = "proglog";

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** Undefined: without TLS. */
  readonly tls: TlsMaterial | undefined;
  /** ALPN protocol; the server must choose it. */
  readonly protocol: string;
  readonly scheduler: Scheduler;
  readonly connectTimeoutMs: number;
}

/**
 * A connected socket, paused and past its handshake. A server that refuses our
 * certificate in TLS 1.3 says so only afterwards: `socketFailure` explains the
 * socket's error.
 * @throws ProglogError `unavailable` or `unauthenticated`
 */
export function connect(options: ConnectOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = open(options);
    const fail = (error: ProglogError) => {
      cancel();
      socket.on("error", () => undefined);
      socket.destroy();
      reject(error);
    };
    const onError = (error: Error) => fail(socketFailure(options, error));
    const onClose = () => fail(closedInHandshake(options));
    const cancel = options.scheduler.after(
      options.connectTimeoutMs,
      () => fail(timedOut(options)),
    );
    socket.on("error", onError);
    socket.on("close", onClose);
    socket.once(options.tls === undefined ? "connect" : "secureConnect", () => {
      const refusal = options.tls === undefined
        ? undefined
        : refusalOf(socket as TLSSocket, options);
      if (refusal !== undefined) return fail(refusal);
      cancel();
      socket.off("error", onError);
      socket.off("close", onClose);
      resolve(socket);
    });
  });
}

/** The runtime throws at once for what cannot be an address, "host:99999" say. */
function open(options: ConnectOptions): Socket {
  const { host, port, tls } = options;
  try {
    return tls === undefined
      ? connectTcp({ host, port })
      : connectTls(options, tls);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw failure(options, "unavailable", cause.message, cause);
  }
}

function connectTls(options: ConnectOptions, material: TlsMaterial): TLSSocket {
  const isAddress = isIP(options.host) !== 0;
  return tls.connect({
    host: options.host,
    port: options.port,
    cert: material.cert,
    key: material.key,
    ca: material.ca,
    servername: isAddress ? NAME_FOR_ADDRESSES : options.host,
    ALPNProtocols: [options.protocol],
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    checkServerIdentity: (_name, certificate) =>
      identityError(options.host, certificate),
  });
}

/** Undefined when the certificate names the host. */
function identityError(
  host: string,
  certificate: PeerCertificate,
): Error | undefined {
  if (isIP(host) === 0) return tls.checkServerIdentity(host, certificate);
  const names = certificate.subjectaltname ?? "";
  const addresses = names.split(", ")
    .filter((name) => name.startsWith("IP Address:"))
    .map((name) => name.slice("IP Address:".length));
  if (addresses.some((address) => isSameAddress(address, host))) {
    return undefined;
  }
  return new Error(
    `the server's certificate does not name ${host}, only ${names}`,
  );
}

/** Addresses may be written in several ways, for example ::1. */
function isSameAddress(left: string, right: string): boolean {
  return canonical(left) === canonical(right);
}

function canonical(address: string): string {
  if (isIP(address) !== 6) return address;
  return new URL(`http://[${address}]`).hostname;
}

function refusalOf(
  socket: TLSSocket,
  options: ConnectOptions,
): ProglogError | undefined {
  if (!socket.authorized) {
    return failure(
      options,
      "unauthenticated",
      "the server's certificate is not trusted",
    );
  }
  if (socket.alpnProtocol === options.protocol) return undefined;
  return failure(
    options,
    "unavailable",
    `the server does not speak ${options.protocol}`,
  );
}

/** An error of the socket, within the handshake or right after it, in words. */
export function socketFailure(
  options: { host: string; port: number },
  error: Error,
): ProglogError {
  const words = explainServerFailure(error);
  // Who hangs up may not trust us, and may as well have been killed.
  const isTrust = !isHangUp(error) &&
    /certificate|refused us|authority/.test(words);
  const code = isTrust ? "unauthenticated" : "unavailable";
  return failure(options, code, words, error);
}

/** The server hung up before it said anything. */
export function closedInHandshake(
  options: { host: string; port: number; tls: TlsMaterial | undefined },
): ProglogError {
  return options.tls === undefined
    ? failure(
      options,
      "unavailable",
      "the server closed the connection at once; it may want TLS",
    )
    : failure(
      options,
      "unavailable",
      "the server closed the connection within the handshake; it may not trust our certificate",
    );
}

function timedOut(options: ConnectOptions): ProglogError {
  return failure(
    options,
    "unavailable",
    `no answer within ${options.connectTimeoutMs} ms`,
  );
}

function failure(
  { host, port }: { host: string; port: number },
  code: "unavailable" | "unauthenticated",
  words: string,
  cause?: Error,
): ProglogError {
  const at = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return new ProglogError(code, `Cannot connect to ${at}: ${words}`, {
    details: { host, port },
    cause,
  });
}
