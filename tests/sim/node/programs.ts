/**
 * What programs do with the production client: one produces in a pipeline, one
 * produces single records without a key, one follows the log, one reads its end
 * and wants it fresh. Each compares what it is told with the truth.
 */
import { isProglogError } from "../../../core/errors.ts";
import { encodeRecords } from "../../../core/log/record.ts";
import { decodeRecords } from "../../../core/log/record_walk.ts";
import type { Producer } from "../../../net/client/producer.ts";
import type { ConsumeBatch } from "../../../net/rpc/messages.ts";
import { isSurelyNotDone } from "../../../net/client/retry.ts";
import { fail } from "../checker.ts";
import type { ClientMachine } from "./client_machine.ts";

const PRODUCE_PAUSE_MAX_MS = 1_200;
const SINGLE_PAUSE_MAX_MS = 4_000;
const READ_PAUSE_MAX_MS = 4_000;
const AGAIN_MS = 100;
const READ_LAST_COUNT = 5;

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** A pipelined producer, with a new one after each that failed. */
export class ProducingProgram {
  readonly #machine: ClientMachine;
  #count = 0;
  #producer: Producer | undefined;
  /** Requests without an answer: when each began. */
  readonly #open = new Set<{ readonly sinceMs: number }>();

  constructor(machine: ClientMachine) {
    this.#machine = machine;
  }

  /** Has an answer to everything. */
  get isQuiet(): boolean {
    return this.#open.size === 0;
  }

  async run(): Promise<void> {
    const machine = this.#machine;
    while (machine.world.isStormy) {
      this.send();
      await machine.pause(PRODUCE_PAUSE_MAX_MS);
    }
  }

  /** One request more, on the stream that there is. */
  send(): void {
    const machine = this.#machine;
    const { world, random, nowMs } = machine;
    this.#producer ??= machine.client.producer();
    const producer = this.#producer;
    const values = Array.from(
      { length: random.between({ from: 1, to: 3 }) },
      () => `${machine.name}-${++this.#count}`,
    );
    const request = { sinceMs: nowMs };
    const floor = world.truth.acknowledgedEnd;
    this.#open.add(request);
    producer.send(batchOf(values)).then((accepted) => {
      this.#open.delete(request);
      machine.note(`got ${values[0]} acknowledged at ${accepted.offset}`);
      world.saw("client_acknowledged");
      world.truth.acknowledgedAll(values, accepted, floor);
    }, (error) => {
      this.#open.delete(request);
      if (this.#producer === producer) {
        this.#producer = undefined;
        producer.close().catch(() => world.saw("client_producer_failed"));
      }
      machine.failed("produce", request.sinceMs, error);
    }).catch((error) => world.broke(error));
  }
}

/** Single requests that are never repeated by the program. */
export async function produceSingly(machine: ClientMachine): Promise<void> {
  const { world, client } = machine;
  for (let n = 1; world.isStormy; n++) {
    const values = [`${machine.name}-single-${n}`];
    const sinceMs = machine.nowMs;
    const floor = world.truth.acknowledgedEnd;
    try {
      const accepted = await client.produce(batchOf(values));
      world.truth.acknowledgedAll(values, accepted, floor);
    } catch (error) {
      if (!isProglogError(error)) throw error;
      // It may have been appended: only the program could know what to do.
      if (isSurelyNotDone(error)) {
        for (const value of values) world.truth.refused(value);
        machine.failed("produce_single", sinceMs, error);
      } else world.saw("client_outcome_unknown");
    }
    await machine.pause(SINGLE_PAUSE_MAX_MS);
  }
}

/** Follows the log from its beginning, over all that goes wrong. */
export class FollowingProgram {
  readonly #machine: ClientMachine;
  readonly #end = new AbortController();
  /** The offset that must come next; undefined: any, as all was trimmed. */
  #next: number | undefined;

  constructor(machine: ClientMachine) {
    this.#machine = machine;
  }

  get nextOffset(): number {
    return this.#next ?? 0;
  }

  stop(): void {
    this.#end.abort();
  }

  async run(): Promise<void> {
    const machine = this.#machine;
    while (!this.#end.signal.aborted) {
      const sinceMs = machine.nowMs;
      try {
        await this.#follow();
        if (!this.#end.signal.aborted) fail("Consumer: it ended by itself");
      } catch (error) {
        if (isProglogError(error, "offset_out_of_range")) this.#trimmed(error);
        else machine.failed("consume", sinceMs, error);
      }
      await machine.pause(AGAIN_MS);
    }
  }

  async #follow(): Promise<void> {
    const { client, name, world, random } = this.#machine;
    const place = this.#next === undefined
      ? { start: "earliest" as const }
      : { start: "offset" as const, offset: this.#next };
    const batches = client.consume({
      ...place,
      follow: true,
      consistency: random.pick(["local", "local", "linearizable"]),
      batchBytesMax: 300,
      signal: this.#end.signal,
    });
    for await (const batch of batches) {
      this.#checkNext(batch);
      world.saw("client_consumed");
      for (const record of recordsOf(batch)) world.truth.saw(record, name);
      this.#next = batch.baseOffset + batch.count;
    }
  }

  #checkNext({ baseOffset }: ConsumeBatch): void {
    if (this.#next === undefined || baseOffset === this.#next) return;
    fail(
      `Consumer: ${this.#machine.name} got ${baseOffset} after ${this.#next}`,
    );
  }

  /** Retention went ahead of it: it goes on where the log begins. */
  #trimmed(error: Error & { details: Readonly<Record<string, unknown>> }) {
    const lowest = Number(error.details["lowest_offset"]);
    if (this.#next !== undefined && lowest <= this.#next) {
      fail(`Consumer: ${this.#machine.name} has read more: ${error.message}`);
    }
    this.#machine.world.saw("client_trimmed");
    this.#next = undefined;
  }
}

/** The last records, as fresh as all that was acknowledged before. */
export async function readFreshly(machine: ClientMachine): Promise<void> {
  while (machine.world.isStormy) {
    await machine.pause(READ_PAUSE_MAX_MS);
    await readOnce(machine);
  }
}

export async function readOnce(machine: ClientMachine): Promise<void> {
  const { world, client, name, random } = machine;
  const consistency = random.pick(["leader", "linearizable"] as const);
  const sinceMs = machine.nowMs;
  const floor = world.truth.knownEnd;
  let end: number | undefined;
  try {
    const batches = client.consume({
      start: "tail",
      offset: READ_LAST_COUNT,
      consistency,
    });
    for await (const batch of batches) {
      for (const record of recordsOf(batch)) world.truth.saw(record, name);
      end = batch.baseOffset + batch.count;
    }
  } catch (error) {
    if (isProglogError(error, "offset_out_of_range")) return;
    return machine.failed(`read_${consistency}`, sinceMs, error);
  }
  world.saw(`client_read_${consistency}`);
  if (end !== undefined && end < floor) {
    fail(`Stale read: ${name} read up to ${end}, before ${floor}`);
  }
}

function batchOf(values: readonly string[]) {
  const records = encodeRecords(
    values.map((value) => ({ value: utf8.encode(value) })),
  );
  return { records, count: values.length };
}

function recordsOf({ records, baseOffset }: ConsumeBatch) {
  return decodeRecords(records).map(({ value }, n) => ({
    offset: baseOffset + n,
    value: text.decode(value),
  }));
}
