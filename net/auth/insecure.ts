/**
 * Where an agent may run without TLS: nowhere that another machine can reach.
 * Pure. Callers: cli (flags), net/agent (before it listens).
 */
import { isIP } from "node:net";
import { ProglogError } from "../../core/errors.ts";

/** Whether `host` can only be this machine: 127.0.0.0/8, ::1, localhost. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  switch (isIP(bare)) {
    case 4:
      return bare.startsWith("127.");
    case 6:
      return new URL(`http://[${bare}]`).hostname === "[::1]" ||
        /^::ffff:127\.\d+\.\d+\.\d+$/.test(bare);
    default:
      return bare === "localhost";
  }
}

/** Throws `invalid_argument` unless `host` is a loopback address. */
export function requireLoopback(host: string): void {
  if (isLoopback(host)) return;
  throw new ProglogError(
    "invalid_argument",
    `Cannot use --insecure with the address ${host} as other machines can reach it`,
    { details: { host, kind: "insecure" } },
  );
}
