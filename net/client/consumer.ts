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
import type { Channel } from "./channel.ts";
import { asProglogError, Retry, type RetryEnvironment } from "./retry.ts";

export interface ConsumeOptions extends RetryEnvironment {
  readonly channel: Channel;
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

const PATH = "/log.v1.Log/ConsumeStream";

/** Batches in order, without gaps. Throws ProglogError. */
export async function* consumeBatches(
  options: ConsumeOptions,
): AsyncGenerator<ConsumeBatch, void, undefined> {
  let position = { start: options.start, offset: options.offset };
  let retry = new Retry(options, options.timeoutMs);
  for (;;) {
    try {
      for await (const batch of openStream(options, position)) {
        checkOrder(batch, position);
        yield batch;
        position = { start: "offset", offset: batch.baseOffset + batch.count };
        retry = new Retry(options, options.timeoutMs);
      }
      return;
    } catch (error) {
      if (options.signal?.aborted) return;
      await retry.pause(asProglogError(error));
    }
  }
}

async function* openStream(
  options: ConsumeOptions,
  position: { start: Start; offset: number },
): AsyncGenerator<ConsumeBatch, void, undefined> {
  const client = await options.channel.client();
  const request = encodeConsumeRequest({
    ...position,
    log: options.log,
    batchBytesMax: options.batchBytesMax,
    stopsAtEnd: !options.follow,
    consistency: options.consistency,
  });
  const { signal } = options;
  const messages = client.serverStream(
    PATH,
    request,
    signal === undefined ? {} : { signal },
  );
  for await (const message of messages) yield decodeConsumeBatch(message);
}

/** A gap would be a lost record: better an error than a silent hole. */
function checkOrder(
  batch: ConsumeBatch,
  position: { start: Start; offset: number },
): void {
  if (position.start !== "offset" || batch.baseOffset === position.offset) {
    return;
  }
  throw new ProglogError(
    "corrupt",
    `The agent sent offset ${batch.baseOffset} where ${position.offset} comes next`,
  );
}
