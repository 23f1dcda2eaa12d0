/**
 * Collects what `proglog status` shows of this node.
 */
import process from "node:process";
import type { NodeStatus } from "../rpc/backend.ts";
import { formatFsync } from "../runtime/fsync.ts";
import { VERSION } from "../version.ts";
import type { AgentOptions } from "./config.ts";
import type { Host } from "./host.ts";
import type { LogPart } from "./log_part.ts";

export function nodeStatus(
  options: AgentOptions,
  host: Host,
  log: LogPart,
): NodeStatus {
  return {
    nodeName: options.nodeName,
    version: VERSION,
    uptimeMs: Math.round(process.uptime() * 1000),
    fsync: formatFsync(options.fsync),
    tls: options.security.kind === "tls",
    memoryBytes: process.memoryUsage.rss(),
    dataDirectory: options.dataDirectory,
    diskFreeBytes: host.disk.freeBytes(options.dataDirectory),
    logs: [...log.replicas].map(([name, { facts }]) => ({ name, ...facts })),
  };
}
