/**
 * Reads a log in batches. A broken connection is mended behind the iterator: it
 * goes on at the next offset, on whatever agent answers.
 */
import { ProglogError } from "../../core/errors.ts";
import {
  type Consistency,
  type ConsumeBatch,
  decodeConsumeBatch,
  encodeConsumeRequest,
  type Start,
} from "../rpc/messages.ts";
import type { CallKind } from "./picker.ts";
import type { ConnectionPool } from "./connection_pool.ts";
import { asProglogError, Retry, type RetryEnvironment } from "./retry.ts";

export interface ConsumeOptions extends RetryEnvironment {
  readonly pool: ConnectionPool;
  /** Log name; empty for the default log. */
  readonly log: string;
  readonly start: Start;
  /** What `start` counts: an offset, records, or milliseconds since the epoch. */
  readonly offset: number;
  readonly consistency: Consistency;
  /** Waits for more at the end of the log instead of ending there. */
  readonly follow: boolean;
  /** About how many bytes of records a batch has. */
  readonly batchBytesMax: number;
  /** How long the log may be out of reach. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** How far a consumer is, over all the servers that it has read from. */
interface Progress {
  start: Start;
  offset: number;
  /** Where the log ended when the first batch was read; 0 before it. */
  endOffset: number;
}

const PATH = "/log.v1.Log/ConsumeStream";

/** Batches in order, without gaps. Throws ProglogError. */
export async function* consumeBatches(
  options: ConsumeOptions,
): AsyncGenerator<ConsumeBatch, void, undefined> {
  const progress: Progress = {
    start: options.start,
    offset: options.offset,
    endOffset: 0,
  };
  let retry = new Retry(options, options.timeoutMs);
  const firstGoal = options.consistency === "leader" ? "write" : "read";
  let goal: CallKind = firstGoal;
  for (let attempt = 0;; attempt++) {
    const startedMs = options.clock.monotonicMs();
    const offsetBefore = progress.offset;
    try {
      for await (const batch of openStream(options, progress, goal)) {
        checkOrder(batch, progress);
        yield batch;
        advance(progress, batch);
        retry = new Retry(options, options.timeoutMs);
      }
      // The first server knows best where the log ended; others may lag.
      if (attempt === 0 || progress.offset >= progress.endOffset) return;
      await retry.pause(lagging(progress));
    } catch (error) {
      if (options.signal?.aborted) return;
      // A follower that gave nothing may be one that the leader does not reach.
      goal = progress.offset > offsetBefore ? firstGoal : "write";
      // A log in which nothing happens was in reach all that time.
      const lastedMs = options.clock.monotonicMs() - startedMs;
      if (lastedMs >= options.timeoutMs) {
        retry = new Retry(options, options.timeoutMs);
      }
      await retry.pause(asRetriable(asProglogError(error), progress));
    }
  }
}

function advance(progress: Progress, batch: ConsumeBatch): void {
  if (progress.endOffset === 0) progress.endOffset = batch.nextOffset;
  progress.start = "offset";
  progress.offset = batch.baseOffset + batch.count;
}

async function* openStream(
  options: ConsumeOptions,
  { start, offset }: Progress,
  goal: CallKind,
): AsyncGenerator<ConsumeBatch, void, undefined> {
  const { pool, signal, consistency } = options;
  const route = await pool.route(goal);
  const request = encodeConsumeRequest({
    start,
    offset,
    log: options.log,
    batchBytesMax: options.batchBytesMax,
    stopsAtEnd: !options.follow,
    consistency,
  });
  const messages = route.client.serverStream(
    PATH,
    request,
    signal === undefined ? {} : { signal },
  );
  let isStray = false;
  const forget = pool.onStray((address) => {
    if (address !== route.address) return;
    isStray = true;
    messages.return?.();
  });
  try {
    for await (const message of messages) yield decodeConsumeBatch(message);
  } catch (error) {
    pool.failed(route, asProglogError(error));
    throw error;
  } finally {
    forget();
  }
  if (isStray) throw cutOff(route.address);
}

/** A gap would be a lost record: better an error than a silent hole. */
function checkOrder(batch: ConsumeBatch, progress: Progress): void {
  if (progress.start !== "offset" || batch.baseOffset === progress.offset) {
    return;
  }
  throw new ProglogError(
    "corrupt",
    `The agent sent offset ${batch.baseOffset} where ${progress.offset} comes next`,
  );
}

/** What was read up to here is committed: a server that ends earlier lags. */
function asRetriable(error: ProglogError, progress: Progress): ProglogError {
  const hasRead = progress.endOffset > 0;
  const isBeyondEnd = error.code === "offset_out_of_range" &&
    Number(error.details["highest_offset"]) < progress.offset;
  return hasRead && isBeyondEnd ? lagging(progress) : error;
}

function lagging({ offset }: Progress): ProglogError {
  return new ProglogError(
    "unavailable",
    `The agent does not have offset ${offset} yet, which another one has`,
  );
}

function cutOff(address: string): ProglogError {
  return new ProglogError(
    "unavailable",
    `The agent ${address} has lost the others of its cluster`,
  );
}
