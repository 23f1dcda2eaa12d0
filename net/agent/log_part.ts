/**
 * The logs of an agent: a replica each, with Raft between the nodes. There is
 * one log, "default"; its directory carries its name.
 */
import type { Configuration } from "../../core/raft/configuration.ts";
import type { RaftEvent } from "../../core/raft/ready.ts";
import { DEFAULT_LOG } from "../rpc/backend.ts";
import { fsyncWarning } from "../runtime/fsync.ts";
import { Replica } from "../runtime/replica/replica.ts";
import type { ReplicaNetwork } from "../runtime/replica/types.ts";
import type { AgentOptions } from "./config.ts";
import type { Host } from "./host.ts";
import type { Part } from "./parts.ts";

export interface LogPartOptions {
  readonly options: AgentOptions;
  readonly host: Host;
  readonly network: ReplicaNetwork;
  /** Leaders and members have changed. */
  readonly onChange: () => void;
}

export class LogPart implements Part {
  readonly name = "log";
  readonly #part: LogPartOptions;
  readonly #replicas = new Map<string, Replica>();

  constructor(part: LogPartOptions) {
    this.#part = part;
  }

  get replicas(): ReadonlyMap<string, Replica> {
    return this.#replicas;
  }

  /** The log that there is; only after the start. */
  get default(): Replica | undefined {
    return this.#replicas.get(DEFAULT_LOG);
  }

  async start(): Promise<void> {
    const { options, host } = this.#part;
    const { logger, clock } = host;
    const warning = fsyncWarning(options.fsync);
    if (warning !== undefined) logger.warn(warning);
    const startedMs = clock.monotonicMs();
    const replica = await this.#open(DEFAULT_LOG);
    this.#replicas.set(DEFAULT_LOG, replica);
    this.#tellRecovery(replica);
    logger.info("opened log", {
      log: DEFAULT_LOG,
      node_id: replica.nodeId,
      lowest_offset: replica.lowestOffset,
      last_index: replica.status().lastIndex,
      took_ms: Math.round(clock.monotonicMs() - startedMs),
    });
  }

  async stop(): Promise<void> {
    for (const replica of this.#replicas.values()) await replica.stop();
  }

  #open(logName: string): Promise<Replica> {
    const { options, host, network } = this.#part;
    return Replica.open({
      ...host,
      directory: `${options.dataDirectory}/logs/${logName}`,
      logName,
      config: {
        segmentBytesMax: options.segmentBytesMax,
        segmentAgeMaxMs: options.segmentAgeMaxMs ?? Infinity,
      },
      retention: {
        bytesMax: options.retentionBytes ?? null,
        ageMaxMs: options.retentionAgeMs ?? null,
      },
      fsync: options.fsync,
      network,
      watcher: {
        event: (event) => this.#tell(event),
        failed: (cause) => host.fail(cause),
        noticed: (text, error) => host.logger.warn(text, { error }),
      },
    });
  }

  #tellRecovery({ recovery }: Replica): void {
    const { cutBytes, cut } = recovery;
    if (cutBytes === 0) return;
    this.#part.host.logger.warn(
      "cut a torn tail that was never acknowledged",
      {
        log: DEFAULT_LOG,
        cut_bytes: cutBytes,
        file: cut?.file,
        position: cut?.position,
      },
    );
  }

  #tell(event: RaftEvent): void {
    const { logger } = this.#part.host;
    switch (event.kind) {
      case "role_changed":
        logger.info("role changed", { role: event.role, term: event.term });
        break;
      case "leader_changed":
        logger.info("leader changed", { leader_id: event.leaderId ?? "none" });
        break;
      case "stepped_down":
        logger.warn("stepped down", { reason: event.reason });
        break;
      case "configuration_changed":
        logger.info("members changed", {
          members: membersInWords(event.configuration),
        });
        break;
      case "truncated":
        logger.info("dropped entries that were never committed", {
          from_index: event.from,
        });
        break;
      case "reset":
        logger.warn("began the log anew from the leader's start", {
          index: event.start.index,
          next_offset: event.start.nextOffset,
        });
        break;
      case "transfer_failed":
        logger.warn("leadership was not handed over", { to: event.to });
        break;
      default:
        return;
    }
    // The replica has not finished this turn: look at it in the next.
    queueMicrotask(() => this.#part.onChange());
  }
}

function membersInWords({ members }: Configuration): string {
  return members.map(({ name, role }) =>
    role === "voter" ? name : `${name} (learner)`
  ).join(", ");
}
