/**
 * The logs of an agent. There is one, "default"; its directory carries its name.
 */
import { fsyncWarning } from "../runtime/fsync.ts";
import { OpenLog } from "../runtime/open_log.ts";
import { DEFAULT_LOG } from "../rpc/backend.ts";
import type { AgentOptions } from "./config.ts";
import type { Host } from "./host.ts";
import type { Part } from "./parts.ts";

export class LogPart implements Part {
  readonly name = "log";
  readonly #options: AgentOptions;
  readonly #host: Host;
  readonly #logs = new Map<string, OpenLog>();

  constructor(options: AgentOptions, host: Host) {
    this.#options = options;
    this.#host = host;
  }

  get logs(): ReadonlyMap<string, OpenLog> {
    return this.#logs;
  }

  async start(): Promise<void> {
    const { logger } = this.#host;
    const warning = fsyncWarning(this.#options.fsync);
    if (warning !== undefined) logger.warn(warning);
    const startedMs = this.#host.clock.monotonicMs();
    const log = await this.#open(DEFAULT_LOG);
    this.#logs.set(DEFAULT_LOG, log);
    const { cutBytes, cut } = log.recovery;
    if (cutBytes > 0) {
      logger.warn("cut a torn tail that was never acknowledged", {
        log: DEFAULT_LOG,
        cut_bytes: cutBytes,
        file: cut?.file,
        position: cut?.position,
      });
    }
    logger.info("opened log", {
      log: DEFAULT_LOG,
      lowest_offset: log.lowestOffset,
      next_offset: log.nextOffset,
      took_ms: Math.round(this.#host.clock.monotonicMs() - startedMs),
    });
  }

  async stop(): Promise<void> {
    for (const log of this.#logs.values()) await log.stop();
  }

  #open(name: string): Promise<OpenLog> {
    const options = this.#options;
    return OpenLog.open({
      ...this.#host,
      directory: `${options.dataDirectory}/logs/${name}`,
      config: {
        segmentBytesMax: options.segmentBytesMax,
        segmentAgeMaxMs: options.segmentAgeMaxMs ?? Infinity,
      },
      retention: {
        bytesMax: options.retentionBytes ?? null,
        ageMaxMs: options.retentionAgeMs ?? null,
      },
      fsync: options.fsync,
      onFailure: (cause) => this.#host.fail(cause),
    });
  }
}
