/**
 * `proglog status`: how one agent and its logs are.
 */
import { toJson } from "../net/rpc/protobuf.ts";
import type { Command } from "commander";
import {
  type GetStatusResponse,
  GetStatusResponseSchema,
  type LogStatus,
  type RaftStatus,
  type ReplicaStatus,
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
  return log.raft === undefined ? lines : [...lines, ...raftLines(log.raft)];
}

function raftLines(raft: RaftStatus): string[] {
  const leader = raft.leaderName === ""
    ? "no leader is known"
    : `${raft.leaderName} at ${raft.leaderAddress} leads`;
  const lines = [
    `raft      ${raft.role} in term ${raft.term}, ${leader}, committed ${raft.commitIndex}, applied ${raft.appliedIndex}`,
  ];
  if (raft.isLeader) lines.push(`          ${toleranceInWords(raft)}`);
  return [...lines, ...raft.replicas.map((one) => replicaLine(raft, one))];
}

function toleranceInWords({ faultToleranceLeft }: RaftStatus): string {
  if (faultToleranceLeft < 0) return "no quorum: writes have stopped";
  if (faultToleranceLeft === 0) return "no further voter may fail";
  const plural = faultToleranceLeft === 1 ? "voter" : "voters";
  return `${faultToleranceLeft} more ${plural} may fail`;
}

/** Lags are the leader's knowledge: others do not show any. */
function replicaLine(raft: RaftStatus, replica: ReplicaStatus): string {
  const { name, address, role, state, lagRecords, lagMs, silentMs } = replica;
  const head = `          ${name}  ${address}  `;
  if (replica.isLeader) return `${head}leader`;
  if (!raft.isLeader) return `${head}${role}`;
  const lag = lagRecords === 0n
    ? "up to date"
    : `${lagRecords} records (${(Number(lagMs) / 1000).toFixed(1)} s) behind`;
  return `${head}${role}, ${state}, ${lag}, heard ${silentMs} ms ago`;
}

function fsyncInWords(fsync: string): string {
  return fsync === "always"
    ? "always: an acknowledged record is on disk"
    : `${fsync}: power loss may take acknowledged records`;
}

function megabytes(bytes: bigint): string {
  return `${(Number(bytes) / 1e6).toFixed(1)} MB`;
}

export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}
