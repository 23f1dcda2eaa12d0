/**
 * What every part of an agent gets: the machine's clock, timers, chance and
 * disk, the log lines, and the way to say that the node must end.
 */
import type { Clock, Disk, Random, Scheduler } from "../../core/env.ts";
import { createClock, createScheduler } from "../os/clock.ts";
import { createDisk } from "../os/disk.ts";
import { createRandom } from "../os/random.ts";
import type { Logger } from "../telemetry/log.ts";

export interface Host {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly disk: Disk;
  readonly logger: Logger;
  /** The first call counts: the agent stops with this cause. */
  readonly fail: (cause: unknown) => void;
}

export function createHost(
  logger: Logger,
  fail: (cause: unknown) => void,
): Host {
  return {
    clock: createClock(),
    scheduler: createScheduler(),
    random: createRandom(),
    disk: createDisk(),
    logger,
    fail,
  };
}
