/**
 * Makes a client on the real machine: clocks, sockets, certificates from files.
 * Callers: the command line, programs that use the client.
 */
import {
  type CertificateFiles,
  readCertificateFiles,
} from "../auth/certificate_files.ts";
import { dialGrpc } from "../grpc/dial.ts";
import { createClock, createScheduler } from "../os/clock.ts";
import { createRandom } from "../os/random.ts";
import { splitAddress } from "../transport/address.ts";
import {
  CLIENT_PUMP_LIMITS,
  type PumpLimits,
} from "../transport/socket_pump.ts";
import type { TlsMaterial } from "../transport/types.ts";
import type { Dial } from "./connections.ts";
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
/** A server that is silent for longer is passed over for another one. */
const CONNECT_TIMEOUT_MAX_MS = 3_000;
/** A consumer that waits for news finds out sooner that its server hangs. */
const PUMP_LIMITS: PumpLimits = {
  ...CLIENT_PUMP_LIMITS,
  keepaliveIntervalMs: 5_000,
  keepaliveTimeoutMs: 10_000,
};

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
      connectTimeoutMs: Math.min(options.timeoutMs, CONNECT_TIMEOUT_MAX_MS),
      messageSizeMaxBytes: options.messageBytesMax,
      pumpLimits: PUMP_LIMITS,
    });
  };
}
