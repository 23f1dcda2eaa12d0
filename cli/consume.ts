/**
 * `proglog consume`: records from the log to stdout, as lines, raw bytes or JSON.
 */
import { type Command, Option } from "commander";
import { RecordCursor } from "../core/log/record_walk.ts";
import type { ConsumeBatch, ConsumeRange } from "../net/client/mod.ts";
import { withClient } from "./connection.ts";
import {
  addClientOptions,
  clientOptionsOf,
  valueOption,
  verb,
} from "./options.ts";
import { writeOut } from "./output.ts";
import { recordToJson } from "./record_json.ts";
import { type Parsed, parseWholeNumber } from "./units.ts";

type From = Required<Pick<ConsumeRange, "start" | "offset">>;

export function consumeCommand(): Command {
  const command = verb("consume", {
    summary: "print records from an offset on",
    examples: [
      "proglog consume --offset 3",
      "proglog consume --offset -10 --follow",
      "proglog consume --offset 2026-01-31T08:00:00Z --json | head",
    ],
  });
  return addClientOptions(command)
    .option("--log <name>", "log to read", "default")
    .addOption(
      valueOption(
        "--offset <where>",
        "a number, earliest, latest, -N for the last N, or a time in ISO 8601",
        parseFrom,
      ).default({ start: "earliest", offset: 0 }, "earliest"),
    )
    .addOption(
      new Option(
        "--consistency <level>",
        "how fresh: local (any server, may lag), leader, or linearizable (all that was acknowledged)",
      ).choices(["local", "leader", "linearizable"]).default("linearizable"),
    )
    .option("--follow", "wait for more at the end of the log", false)
    .addOption(
      valueOption(
        "--count <n>",
        "end after this many records",
        (text) => parseWholeNumber(text, { min: 1, max: 2 ** 53 - 1 }),
      ),
    )
    .option("--raw", "values one after another, without newlines", false)
    .action((_, own: Command) => consume(own));
}

async function consume(command: Command): Promise<void> {
  const options = command.opts();
  const format: Format = options["json"]
    ? "json"
    : options["raw"]
    ? "raw"
    : "lines";
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  Deno.addSignalListener("SIGINT", onSignal);
  try {
    await withClient(clientOptionsOf(command), async (client) => {
      const printer = new Printer(format, options["count"] ?? Infinity);
      const batches = client.consume({
        ...options["offset"] as From,
        log: options["log"] === "default" ? "" : options["log"],
        follow: options["follow"],
        consistency: options["consistency"],
        signal: stop.signal,
      });
      for await (const batch of batches) if (printer.print(batch)) return;
    });
  } finally {
    Deno.removeSignalListener("SIGINT", onSignal);
  }
}

/** What --offset understands. */
export function parseFrom(text: string): Parsed<From> {
  if (text === "earliest" || text === "latest") {
    return { ok: true, value: { start: text, offset: 0 } };
  }
  if (/^-?\d{1,15}$/.test(text)) {
    const start = text.startsWith("-") ? "tail" : "offset";
    return { ok: true, value: { start, offset: Math.abs(Number(text)) } };
  }
  const timeMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (timeMs >= 0) {
    return { ok: true, value: { start: "time", offset: timeMs } };
  }
  return {
    ok: false,
    message:
      `"${text}" is no offset: write a number, earliest, latest, -10 or a time like 2026-01-31T08:00:00Z`,
  };
}

type Format = "lines" | "raw" | "json";

const NEWLINE = 10;

/** Prints a batch with one write. */
class Printer {
  readonly #format: Format;
  #left: number;

  constructor(format: Format, countMax: number) {
    this.#format = format;
    this.#left = countMax;
  }

  /** Returns true when enough records are printed. */
  print(batch: ConsumeBatch): boolean {
    const cursor = new RecordCursor(batch.records);
    if (this.#format === "json") this.#printJson(cursor, batch.baseOffset);
    else this.#printValues(cursor);
    return this.#left === 0;
  }

  #printJson(cursor: RecordCursor, baseOffset: number): void {
    let text = "";
    for (let offset = baseOffset; this.#left > 0 && cursor.next(); offset++) {
      this.#left -= 1;
      const { bytes, timestampMs } = cursor;
      text += `${
        recordToJson({
          offset,
          value: bytes.subarray(cursor.valueStart, cursor.valueEnd),
          key: bytes.subarray(cursor.keyStart, cursor.keyEnd),
          headers: cursor.headers(),
          timestampMs,
        })
      }\n`;
    }
    writeOut(text);
  }

  #printValues(cursor: RecordCursor): void {
    const newline = this.#format === "lines" ? 1 : 0;
    // A value is shorter than its record by at least one byte: tag or length.
    const out = new Uint8Array(cursor.bytes.length);
    let at = 0;
    while (this.#left > 0 && cursor.next()) {
      this.#left -= 1;
      out.set(cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd), at);
      at += cursor.valueEnd - cursor.valueStart;
      if (newline === 1) out[at++] = NEWLINE;
    }
    writeOut(out.subarray(0, at));
  }
}
