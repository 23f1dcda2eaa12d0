/**
 * A connection to one agent and no other, from the test's own process: faster
 * than a verb, and never to whichever server is next.
 */
import { ProglogError } from "../../../core/errors.ts";
import { readCertificateFiles } from "../../../net/auth/certificate_files.ts";
import type { GrpcClient } from "../../../net/grpc/client.ts";
import { dialGrpc } from "../../../net/grpc/dial.ts";
import { StatusError } from "../../../net/grpc/status.ts";
import { createClock, createScheduler } from "../../../net/os/clock.ts";

const CONNECT_TIMEOUT_MS = 2_000;

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
  /** Where the `root` client's certificate is. */
  readonly configDirectory: string;
}

/** Answers undefined when the node is not there, or refuses. */
export async function askNode<T>(
  { host, port, configDirectory }: NodeAddress,
  ask: (client: GrpcClient) => Promise<T>,
): Promise<T | undefined> {
  const path = (file: string) => `${configDirectory}/${file}.pem`;
  try {
    const link = await dialGrpc({
      host,
      port,
      tls: readCertificateFiles({
        certFile: path("root-client"),
        keyFile: path("root-client-key"),
        caFile: path("ca"),
      }),
      clock: createClock(),
      scheduler: createScheduler(),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    });
    try {
      return await ask(link.client);
    } finally {
      link.close();
    }
  } catch (error) {
    if (error instanceof StatusError || error instanceof ProglogError) {
      return undefined;
    }
    throw error;
  }
}
