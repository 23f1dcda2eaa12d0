/**
 * Producers and consumers of the command line that run while a test breaks
 * things, and the check of what they were told: every acknowledged record once,
 * at the offset of its acknowledgement, in order, the same from every node.
 */
import assert from "node:assert/strict";
import type { Cluster } from "./cluster.ts";
import { until } from "./process.ts";
import { readNode } from "./read_node.ts";

const LINE_PAUSE_MS = 4;
/** How long a client may be without a working leader before its verb fails. */
const CLIENT_TIMEOUT = "45s";
const PRODUCERS_COUNT = 3;
const CONSUMERS_COUNT = 2;

export interface LoadOptions {
  /** Client flags; default: all addresses of the cluster. */
  readonly addresses?: string[];
}

interface Acknowledged {
  readonly value: string;
  readonly offset: number;
}

export class Load {
  readonly #cluster: Cluster;
  readonly #producers: ProducerProcess[];
  readonly #consumers: ConsumerProcess[];

  constructor(cluster: Cluster, options: LoadOptions = {}) {
    const addresses = options.addresses ?? cluster.addresses;
    const client = ["--json", "--timeout", CLIENT_TIMEOUT, ...addresses];
    const spawn = (verb: string[], stdin?: string) =>
      cluster.workspace.spawn(
        [...verb, ...client],
        stdin === undefined ? {} : { stdin },
      );
    this.#cluster = cluster;
    this.#producers = Array.from(
      { length: PRODUCERS_COUNT },
      (_, n) => new ProducerProcess(`p${n}`, spawn(["produce"], "")),
    );
    this.#consumers = Array.from(
      { length: CONSUMERS_COUNT },
      () => new ConsumerProcess(spawn(["consume", "--follow"])),
    );
  }

  get acknowledgedCount(): number {
    return this.#producers.reduce((sum, one) => sum + one.count, 0);
  }

  /** Waits until every producer has had so many more acknowledgements. */
  async untilAcknowledged(more: number): Promise<void> {
    const goals = this.#producers.map((one) => one.count + more);
    await until(
      `each producer has ${more} more acknowledgements`,
      () => {
        for (const one of this.#producers) one.assertRuns();
        return this.#producers.every((one, n) => one.count >= (goals[n] ?? 0));
      },
      CLIENT_TIMEOUT_MS,
    );
  }

  /** The longest that any producer went without an acknowledgement since then. */
  longestGapMs(sinceMs: number): number {
    return Math.max(...this.#producers.map((one) => one.longestGapMs(sinceMs)));
  }

  /**
   * Ends the load. No producer may have failed, or have been told anything on
   * stderr; every node and every consumer must have the history they were told.
   * Answers the values in order.
   */
  async check(names: readonly string[] = this.#cluster.names) {
    const acknowledged = await Promise.all(
      this.#producers.map((one) => one.finish()),
    );
    const [first = "", ...others] = names;
    const history = await readNode(this.#cluster, first);
    checkHistory(history, acknowledged);
    for (const name of others) {
      const same = await readNode(this.#cluster, name);
      assertSame(same, history, name);
    }
    for (const consumer of this.#consumers) {
      assertSame(await consumer.finish(history.length), history, "a consumer");
    }
    return history;
  }
}

const CLIENT_TIMEOUT_MS = 60_000;

/** As deepEqual, without thousands of lines when it fails. */
function assertSame(
  actual: readonly string[],
  expected: readonly string[],
  who: string,
): void {
  const at = expected.findIndex((value, n) => actual[n] !== value);
  assert.equal(actual[at], expected[at], `${who} differs at offset ${at}`);
  assert.equal(actual.length, expected.length, `what ${who} has`);
}

/** Each producer's records once, at their offsets, and nothing else. */
export function checkHistory(
  history: readonly string[],
  acknowledged: readonly (readonly Acknowledged[])[],
): void {
  for (const list of acknowledged) {
    let last = -1;
    for (const { value, offset } of list) {
      assert.equal(history[offset], value, `offset ${offset}`);
      assert.ok(offset > last, `offset ${offset} came after ${last}`);
      last = offset;
    }
  }
  const total = acknowledged.reduce((sum, list) => sum + list.length, 0);
  assert.equal(history.length, total, "records that nobody sent, or doubles");
}

/** Sends a line every few milliseconds until it is told to finish. */
class ProducerProcess {
  readonly #prefix: string;
  readonly #child: Deno.ChildProcess;
  readonly #sending: Promise<number>;
  readonly #stderr: Promise<string>;
  readonly #offsets: number[] = [];
  /** When each line of acknowledgements came, by performance.now(). */
  readonly #ackedMs: number[] = [];
  readonly #reading: Promise<void>;
  #isFinished = false;
  #end: string | undefined;

  constructor(prefix: string, child: Deno.ChildProcess) {
    this.#prefix = prefix;
    this.#child = child;
    this.#stderr = new Response(child.stderr).text();
    this.#reading = this.#read();
    this.#sending = this.#send();
    this.#stderr.then((words) => this.#end = words);
  }

  /** Fails with its words if the process has ended before it was told to. */
  assertRuns(): void {
    const { count } = this;
    assert.equal(this.#end, undefined, `a producer ended after ${count} acks`);
  }

  get count(): number {
    return this.#offsets.length;
  }

  longestGapMs(sinceMs: number): number {
    const times = [...this.#ackedMs, performance.now()];
    const gaps = times.map((atMs, n) =>
      atMs - Math.max(sinceMs, times[n - 1] ?? sinceMs)
    );
    return Math.max(...gaps);
  }

  async finish(): Promise<Acknowledged[]> {
    this.#isFinished = true;
    const sent = await this.#sending;
    const { code } = await this.#child.status;
    await this.#reading;
    assert.equal(await this.#stderr, "");
    assert.equal(code, 0);
    assert.equal(this.count, sent, "acknowledged and sent");
    return this.#offsets.map((offset, n) => ({
      value: this.#value(n),
      offset,
    }));
  }

  #value(n: number): string {
    return `${this.#prefix}-${n}`;
  }

  async #send(): Promise<number> {
    const writer = this.#child.stdin.getWriter();
    const utf8 = new TextEncoder();
    let sent = 0;
    try {
      while (!this.#isFinished) {
        await writer.write(utf8.encode(`${this.#value(sent)}\n`));
        sent += 1;
        await new Promise((resolve) => setTimeout(resolve, LINE_PAUSE_MS));
      }
      await writer.close();
    } catch (error) {
      // It has ended: `finish` shows its words.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
    return sent;
  }

  /** Requests are acknowledged in the order in which they were sent. */
  async #read(): Promise<void> {
    for await (const line of linesOf(this.#child.stdout)) {
      const { offset, count } = JSON.parse(line);
      this.#ackedMs.push(performance.now());
      for (let n = 0; n < count; n++) this.#offsets.push(offset + n);
    }
  }
}

/** Follows the log from its start. */
class ConsumerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Promise<string>;
  readonly #values: string[] = [];
  readonly #reading: Promise<void>;
  #end: string | undefined;

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#stderr = new Response(child.stderr).text();
    this.#reading = this.#read();
    this.#stderr.then((words) => this.#end = words);
  }

  async finish(count: number): Promise<string[]> {
    await until(
      `a consumer has ${count} records`,
      () => {
        assert.equal(this.#end, undefined, "a consumer ended");
        return this.#values.length >= count;
      },
    );
    this.#child.kill("SIGINT");
    const { code } = await this.#child.status;
    await this.#reading;
    assert.equal(await this.#stderr, "");
    assert.equal(code, 0);
    return this.#values;
  }

  async #read(): Promise<void> {
    for await (const line of linesOf(this.#child.stdout)) {
      const { offset, value } = JSON.parse(line);
      assert.equal(offset, this.#values.length, "gap or double");
      this.#values.push(atob(value));
    }
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>) {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
