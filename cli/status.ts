/**
 * `proglog status`: how one agent and its logs are.
 */
import { toJson } from "../net/rpc/protobuf.ts";
import type { Command } from "commander";
import {
  type GetStatusResponse,
  GetStatusResponseSchema,
  type LogStatus,
} from "../net/rpc/gen/proglog/v1/admin_pb.ts";
import { withClient } from "./connection.ts";
import { addClientOptions, clientOptionsOf, verb } from "./options.ts";
import { printJson, printLine } from "./output.ts";

export function statusCommand(): Command {
  const command = verb("status", {
    summary: "show how an agent and its logs are",
    examples: ["proglog status", "proglog status --addr 10.0.0.7:8400 --json"],
  });
  return addClientOptions(command).action(async (_, own: Command) => {
    const options = clientOptionsOf(own);
    const status = await withClient(options, (client) => client.status());
    if (options.json) {
      printJson(
        toJson(GetStatusResponseSchema, status, {
          useProtoFieldName: true,
          alwaysEmitImplicit: true,
        }),
      );
    } else for (const line of statusLines(status)) printLine(line);
  });
}

export function statusLines(status: GetStatusResponse): string[] {
  return [
    `node      ${status.nodeName}, proglog ${status.version}, up ${
      duration(Number(status.uptimeMs))
    }`,
    `security  ${status.tls ? "mutual TLS" : "none (--insecure)"}`,
    `fsync     ${fsyncInWords(status.fsync)}`,
    `memory    ${megabytes(status.memoryBytes)}`,
    `data      ${status.dataDirectory}, ${
      megabytes(status.diskFreeBytes)
    } free`,
    ...status.logs.flatMap(logLines),
  ];
}

function logLines(log: LogStatus): string[] {
  const count = log.nextOffset - log.lowestOffset;
  const range = count === 0n
    ? `empty, next offset ${log.nextOffset}`
    : `offsets ${log.lowestOffset} to ${log.nextOffset - 1n}`;
  const lines = [
    `log       ${log.name}: ${range}, ${
      megabytes(log.sizeBytes)
    } in ${log.segmentCount} segments, index ${log.lastIndex}, term ${log.lastTerm}`,
  ];
  if (log.appendBlocked !== "") {
    lines.push(`          appends are refused: ${log.appendBlocked}`);
  }
  return lines;
}

function fsyncInWords(fsync: string): string {
  return fsync === "always"
    ? "always: an acknowledged record is on disk"
    : `${fsync}: power loss may take acknowledged records`;
}

function megabytes(bytes: bigint): string {
  return `${(Number(bytes) / 1e6).toFixed(1)} MB`;
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}
