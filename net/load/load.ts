/**
 * Loads that measure a running agent through the ordinary client. Each is
 * bounded in count or time. Callers: `proglog bench`, tests/bench.
 */
import type { Clock, Scheduler } from "../../core/env.ts";
import { ProglogError } from "../../core/errors.ts";
import { RecordCursor } from "../../core/log/record_walk.ts";
import { type ProglogClient, RecordBuilder } from "../client/mod.ts";
import { Latencies, type LatencySummary } from "./latencies.ts";

export interface LoadEnvironment {
  readonly client: ProglogClient;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Told about every so many records, for a progress bar. */
  readonly onProgress: (records: number) => void;
}

export interface LoadResult {
  readonly records: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  /** 10^6 bytes of record values. */
  readonly megabytesPerSecond: number;
  /** Of acknowledgements, or to a live consumer where the load has one. */
  readonly latency?: LatencySummary;
  /** Of acknowledgements, where `latency` is something else. */
  readonly acknowledged?: LatencySummary;
}

/** Not counted: connecting, and what the compiler learns from first calls. */
const WARM_UP_MS = 500;

/**
 * Unary Produce of one record each, `inFlight` at a time, for `durationMs` after
 * a warm-up.
 */
export async function loadProduce(env: LoadEnvironment, options: {
  readonly sizeBytes: number;
  readonly inFlight: number;
  readonly durationMs: number;
}): Promise<LoadResult> {
  await runProduce(env, { ...options, durationMs: WARM_UP_MS });
  return await runProduce(env, options);
}

async function runProduce(env: LoadEnvironment, options: {
  readonly sizeBytes: number;
  readonly inFlight: number;
  readonly durationMs: number;
}): Promise<LoadResult> {
  const { client, clock } = env;
  const record = encodeRecord(options.sizeBytes);
  const latencies = new Latencies();
  let records = 0;
  const startedMs = clock.monotonicMs();
  const endMs = startedMs + options.durationMs;
  const worker = async () => {
    for (let sentMs = clock.monotonicMs(); sentMs < endMs;) {
      await client.produce({ records: record, count: 1 });
      const nowMs = clock.monotonicMs();
      latencies.add(nowMs - sentMs);
      records += 1;
      if (records % 1_000 === 0) env.onProgress(1_000);
      sentMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }, worker));
  const elapsedMs = clock.monotonicMs() - startedMs;
  const latency = latencies.summary();
  return { ...rates(records, elapsedMs, options.sizeBytes), latency };
}

/** ProduceStream with `batchCount` records a request. */
export async function loadStream(env: LoadEnvironment, options: {
  readonly sizeBytes: number;
  readonly records: number;
  readonly batchCount: number;
}): Promise<LoadResult> {
  const { client, clock } = env;
  const producer = client.producer();
  const value = payload(options.sizeBytes);
  const range = { start: 0, end: value.length };
  const builder = new RecordBuilder();
  let acknowledged = 0;
  const startedMs = clock.monotonicMs();
  for (let sent = 0; sent < options.records;) {
    const count = Math.min(options.batchCount, options.records - sent);
    for (let n = 0; n < count; n++) builder.addValue(value, range);
    sent += count;
    producer.send(builder.take()).then((accepted) => {
      acknowledged += accepted.count;
      env.onProgress(accepted.count);
    }, () => undefined); // `close` throws the failure.
    await producer.room();
  }
  await producer.close();
  const elapsedMs = clock.monotonicMs() - startedMs;
  expectCount(acknowledged, options.records);
  return rates(acknowledged, elapsedMs, options.sizeBytes);
}

/** ConsumeStream from `offset` of so many records, each of them looked at. */
export async function loadConsume(env: LoadEnvironment, options: {
  readonly offset: number;
  readonly records: number;
}): Promise<LoadResult> {
  const { client, clock } = env;
  let records = 0;
  let bytes = 0;
  const startedMs = clock.monotonicMs();
  for await (const batch of client.consume({ offset: options.offset })) {
    const cursor = new RecordCursor(batch.records);
    while (cursor.next()) bytes += cursor.valueEnd - cursor.valueStart;
    records += batch.count;
    env.onProgress(batch.count);
    if (records >= options.records) break;
  }
  const elapsedMs = clock.monotonicMs() - startedMs;
  expectCount(Math.min(records, options.records), options.records);
  return rates(records, elapsedMs, bytes / records);
}

/** A record each 1 / `ratePerSecond`: from just before the send to a live consumer. */
export async function loadLatency(env: LoadEnvironment, options: {
  readonly sizeBytes: number;
  readonly ratePerSecond: number;
  readonly durationMs: number;
}): Promise<LoadResult> {
  const { client, clock } = env;
  const total = Math.floor(options.ratePerSecond * options.durationMs / 1000);
  const sentMs = new Float64Array(total);
  const first = await client.produce(batchOf(options.sizeBytes));
  const base = first.offset + 1;
  const receiving = receive(env, { base, total, sentMs });
  const startedMs = clock.monotonicMs();
  const answers: Promise<void>[] = [];
  const acknowledged = new Latencies();
  const send = async () => {
    const atMs = clock.monotonicMs();
    await client.produce(batchOf(options.sizeBytes));
    acknowledged.add(clock.monotonicMs() - atMs);
  };
  for (let sent = 0; sent < total;) {
    const due = (clock.monotonicMs() - startedMs) * options.ratePerSecond /
      1000;
    for (; sent < Math.min(due, total); sent++) {
      sentMs[sent] = clock.monotonicMs();
      answers.push(send());
    }
    await sleep(env, 0.5);
  }
  await Promise.all(answers);
  const latency = await receiving;
  const elapsedMs = clock.monotonicMs() - startedMs;
  return {
    ...rates(total, elapsedMs, options.sizeBytes),
    latency,
    acknowledged: acknowledged.summary(),
  };
}

export interface FailoverResult {
  readonly acknowledged: number;
  /** The longest time without an acknowledgement. */
  readonly gapMs: number;
}

/**
 * 1,000 small requests a second through one idempotent producer, for
 * `durationMs`: how long a failure under way kept acknowledgements away.
 */
export async function loadFailover(
  env: LoadEnvironment,
  options: { readonly durationMs: number },
): Promise<FailoverResult> {
  const { client, clock } = env;
  const producer = client.producer();
  const startedMs = clock.monotonicMs();
  const endMs = startedMs + options.durationMs;
  let acknowledged = 0;
  let gapMs = 0;
  let lastMs = 0;
  while (clock.monotonicMs() < endMs) {
    producer.send(batchOf(128)).then(() => {
      const nowMs = clock.monotonicMs();
      if (lastMs > 0) gapMs = Math.max(gapMs, nowMs - lastMs);
      lastMs = nowMs;
      acknowledged += 1;
      env.onProgress(1);
    }, () => undefined); // `close` throws the failure.
    await sleep(env, 1);
    await producer.room();
  }
  await producer.close();
  return { acknowledged, gapMs };
}

async function receive(env: LoadEnvironment, expected: {
  base: number;
  total: number;
  sentMs: Float64Array;
}): Promise<LatencySummary> {
  const { base, total, sentMs } = expected;
  const latencies = new Latencies();
  const range = { offset: base, follow: true };
  for await (const batch of env.client.consume(range)) {
    const nowMs = env.clock.monotonicMs();
    for (let n = 0; n < batch.count; n++) {
      latencies.add(nowMs - (sentMs[batch.baseOffset - base + n] ?? nowMs));
    }
    env.onProgress(batch.count);
    if (batch.baseOffset + batch.count >= base + total) break;
  }
  return latencies.summary();
}

function sleep(env: LoadEnvironment, delayMs: number): Promise<void> {
  return new Promise((resolve) => env.scheduler.after(delayMs, resolve));
}

function batchOf(sizeBytes: number) {
  return { records: encodeRecord(sizeBytes), count: 1 };
}

function encodeRecord(sizeBytes: number): Uint8Array {
  const value = payload(sizeBytes);
  const builder = new RecordBuilder();
  builder.addValue(value, { start: 0, end: value.length });
  return builder.take().records;
}

/** Printable, does not repeat within 64 bytes. */
function payload(sizeBytes: number): Uint8Array {
  return Uint8Array.from({ length: sizeBytes }, (_, n) => 33 + (n * 37) % 94);
}

function rates(
  records: number,
  elapsedMs: number,
  sizeBytes: number,
): LoadResult {
  const seconds = elapsedMs / 1000;
  return {
    records,
    seconds,
    recordsPerSecond: records / seconds,
    megabytesPerSecond: records * sizeBytes / seconds / 1e6,
  };
}

function expectCount(actual: number, expected: number): void {
  if (actual === expected) return;
  throw new ProglogError(
    "corrupt",
    `Cannot trust the figures as ${actual} of ${expected} records were seen`,
  );
}
