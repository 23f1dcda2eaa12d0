/**
 * Makes a client on the real machine: clocks, sockets, certificates from files.
 * Callers: the command line, programs that use the client.
 */
import {
  type CertificateFiles,
  readCertificateFiles,
} from "../auth/certificate_files.ts";
import { ProglogError } from "../../core/errors.ts";
import { dialGrpc } from "../grpc/dial.ts";
import { createClock, createScheduler } from "../os/clock.ts";
import { createRandom } from "../os/random.ts";
import type { TlsMaterial } from "../transport/types.ts";
import type { Dial } from "./channel.ts";
import { ProglogClient } from "./client.ts";

export interface ConnectOptions {
  /** "host:port" of one or more agents. */
  readonly addrs: readonly string[];
  /** Undefined: without TLS. */
  readonly tls: CertificateFiles | undefined;
  readonly timeoutMs: number;
  /** A longer message of a server is refused. */
  readonly messageBytesMax?: number;
}

const MESSAGE_BYTES_DEFAULT = 64 * 1024 * 1024;

/** Nothing is dialled before the first call. Throws for unreadable certificates. */
export function createClient(options: ConnectOptions): ProglogClient {
  const { tls, timeoutMs } = options;
  return new ProglogClient({
    addresses: options.addrs,
    timeoutMs,
    clock: createClock(),
    scheduler: createScheduler(),
    random: createRandom(),
    dial: createDial({
      tls: tls === undefined ? undefined : readCertificateFiles(tls),
      timeoutMs,
      messageBytesMax: options.messageBytesMax ?? MESSAGE_BYTES_DEFAULT,
    }),
  });
}

function createDial(options: {
  tls: TlsMaterial | undefined;
  timeoutMs: number;
  messageBytesMax: number;
}): Dial {
  return async (address) => {
    return await dialGrpc({
      ...splitAddress(address),
      tls: options.tls,
      clock: createClock(),
      scheduler: createScheduler(),
      connectTimeoutMs: options.timeoutMs,
      messageSizeMaxBytes: options.messageBytesMax,
    });
  };
}

/** "host:port", "[::1]:port". */
function splitAddress(address: string): { host: string; port: number } {
  const match = /^\[?(.+?)\]?:(\d+)$/.exec(address);
  if (match?.[1] === undefined) {
    throw new ProglogError(
      "invalid_argument",
      `Cannot connect to "${address}" as it is not host:port`,
    );
  }
  return { host: match[1], port: Number(match[2]) };
}
