/**
 * `proglog produce`: values from the command line or lines of stdin into the
 * log. Prints offsets as they are acknowledged, never earlier.
 */
import type { Command } from "commander";
import type { NewRecord } from "../core/log/record.ts";
import {
  type Accepted,
  type Producer,
  RecordBuilder,
} from "../net/client/mod.ts";
import { withClient } from "./connection.ts";
import { type Line, LineSplitter } from "./line_splitter.ts";
import {
  addClientOptions,
  clientOptionsOf,
  valueOption,
  verb,
} from "./options.ts";
import { printJson, printLine } from "./output.ts";
import { Progress } from "./progress.ts";
import { parseRecord } from "./record_json.ts";
import { parseWholeNumber } from "./units.ts";

const BATCH_COUNT_DEFAULT = 1_000;
/** A request is sent when its records have this many bytes. */
const BATCH_BYTES = 256 * 1024;
const utf8 = new TextEncoder();

export function produceCommand(): Command {
  const command = verb("produce", {
    summary: "append records: the values, or each line of stdin",
    examples: [
      "proglog produce hello world",
      "proglog produce < access.log",
      "proglog consume --json | proglog produce --json-input --addr other:8400",
    ],
  }).argument("[value...]", "records; without one, lines of stdin are read");
  return addClientOptions(command)
    .option("--log <name>", "log to append to", "default")
    .option("--key <text>", "key of all records")
    .addOption(
      valueOption(
        "--batch <count>",
        "lines a request at most; 1 makes every line its own batch",
        (text) => parseWholeNumber(text, { min: 1, max: 1_000_000 }),
      ).default(BATCH_COUNT_DEFAULT),
    )
    .option(
      "--json-input",
      "lines are objects as `consume --json` prints them",
      false,
    )
    .action((values: string[], _, own: Command) => produce(values, own));
}

async function produce(values: string[], command: Command): Promise<void> {
  const options = command.opts();
  await withClient(clientOptionsOf(command), async (client) => {
    const producer = client.producer({
      log: options["log"] === "default" ? "" : options["log"],
    });
    const key = options["key"] === undefined
      ? undefined
      : utf8.encode(options["key"]);
    const job = new ProduceJob(producer, {
      key,
      batchCountMax: options["batch"],
      jsonInput: options["jsonInput"],
      report: options["json"] ? printAcceptedJson : printOffsets,
    });
    if (values.length > 0) await job.values(values);
    else await job.lines(Deno.stdin.readable);
    await job.finish();
  });
}

interface JobOptions {
  readonly key: Uint8Array | undefined;
  readonly batchCountMax: number;
  readonly jsonInput: boolean;
  readonly report: (acknowledgement: Accepted) => void;
}

class ProduceJob {
  readonly #producer: Producer;
  readonly #options: JobOptions;
  readonly #builder = new RecordBuilder();
  readonly #progress = new Progress("records");
  #waiting = 0;
  #lineNumber = 0;

  constructor(producer: Producer, options: JobOptions) {
    this.#producer = producer;
    this.#options = options;
  }

  async values(values: readonly string[]): Promise<void> {
    for (const value of values) {
      this.#add({ value: utf8.encode(value) });
      if (this.#isFull()) await this.#sendAndWait();
    }
  }

  async lines(input: ReadableStream<Uint8Array>): Promise<void> {
    const splitter = new LineSplitter();
    for await (const chunk of input) {
      await this.#addLines(splitter.split(chunk));
      // Nothing on its way: do not let a slow typist wait for a full batch.
      if (this.#waiting === 0) this.#send();
    }
    await this.#addLines(splitter.end());
  }

  async #addLines(lines: Iterable<Line>): Promise<void> {
    for (const line of lines) {
      this.#addLine(line);
      if (this.#isFull()) await this.#sendAndWait();
    }
  }

  async finish(): Promise<void> {
    this.#send();
    try {
      await this.#producer.close();
    } finally {
      this.#progress.stop();
    }
  }

  #addLine(line: Line): void {
    this.#lineNumber += 1;
    const { bytes, start, end } = line;
    if (this.#options.jsonInput) {
      this.#add(parseRecord(bytes.subarray(start, end), this.#lineNumber));
    } else if (this.#options.key === undefined) {
      this.#builder.addValue(bytes, line);
    } else this.#add({ value: bytes.subarray(start, end) });
  }

  #add(record: NewRecord): void {
    const { key } = this.#options;
    this.#builder.add(key === undefined ? record : { ...record, key });
  }

  #isFull(): boolean {
    return this.#builder.count >= this.#options.batchCountMax ||
      this.#builder.size >= BATCH_BYTES;
  }

  async #sendAndWait(): Promise<void> {
    this.#send();
    await this.#producer.room();
  }

  #send(): void {
    if (this.#builder.count === 0) return;
    this.#waiting += 1;
    this.#producer.send(this.#builder.take()).then((acknowledgement) => {
      this.#waiting -= 1;
      this.#options.report(acknowledgement);
      this.#progress.add(acknowledgement.count);
    }, () => undefined); // `finish` throws the failure, once for all requests.
  }
}

function printOffsets({ offset, count }: Accepted): void {
  printLine(count === 1 ? `${offset}` : `${offset}..${offset + count - 1}`);
}

function printAcceptedJson({ offset, count }: Accepted): void {
  printJson({ offset, count });
}
