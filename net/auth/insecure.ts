/**
 * Where an agent may run without TLS: nowhere that another machine can reach.
 * Pure. Callers: cli (flags), net/agent (before it listens).
 */
import { isIP } from "node:net";

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
