/**
 * `proglog bench`: puts a bounded load on a running agent and prints a table.
 */
import type { Command } from "commander";
import type { ProglogClient } from "../net/client/mod.ts";
import {
  loadConsume,
  type LoadEnvironment,
  loadFailover,
  loadLatency,
  loadProduce,
  type LoadResult,
  loadStream,
} from "../net/load/load.ts";
import { createClock, createScheduler } from "../net/os/clock.ts";
import type { LatencySummary } from "../net/load/latencies.ts";
import { withClient } from "./connection.ts";
import {
  addClientOptions,
  clientOptionsOf,
  valueOption,
  verb,
} from "./options.ts";
import { printJson, printLine } from "./output.ts";
import { Progress } from "./progress.ts";
import { parseDurationMs, parseSizeBytes, parseWholeNumber } from "./units.ts";

type Values = Record<string, number>;

interface Workload {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionName[];
  readonly run: (
    env: LoadEnvironment,
    values: Values,
  ) => Promise<LoadResult>;
}

const count = (text: string) => parseWholeNumber(text, { min: 1, max: 1e9 });

const OPTIONS = {
  size: ["--size <bytes>", "bytes of a record", parseSizeBytes, 128],
  inFlight: ["--in-flight <n>", "requests at a time", count, 64],
  duration: ["--duration <time>", "how long", parseDurationMs, 5_000, "5s"],
  records: ["--records <n>", "how many records", count, 1_000_000],
  batch: ["--batch <n>", "records a request", count, 1_000],
  rate: ["--rate <n>", "records a second", count, 1_000],
  offset: [
    "--offset <n>",
    "first offset",
    (text: string) => parseWholeNumber(text, { min: 0, max: 2 ** 53 - 1 }),
    0,
  ],
} as const;

type OptionName = keyof typeof OPTIONS;

const WORKLOADS: readonly Workload[] = [
  {
    name: "produce",
    summary: "one record a request (unary)",
    options: ["size", "inFlight", "duration"],
    run: (env, { size = 0, inFlight = 0, duration = 0 }) =>
      loadProduce(env, { sizeBytes: size, inFlight, durationMs: duration }),
  },
  {
    name: "stream",
    summary: "pipelined batches",
    options: ["size", "records", "batch"],
    run: (env, { size = 0, records = 0, batch = 0 }) =>
      loadStream(env, { sizeBytes: size, records, batchCount: batch }),
  },
  {
    name: "consume",
    summary: "read records from an offset on",
    options: ["offset", "records"],
    run: (env, { offset = 0, records = 0 }) =>
      loadConsume(env, { offset, records }),
  },
  {
    name: "latency",
    summary: "from a producer to a live consumer, at a fixed rate",
    options: ["size", "rate", "duration"],
    run: (env, { size = 0, rate = 0, duration = 0 }) =>
      loadLatency(env, {
        sizeBytes: size,
        ratePerSecond: rate,
        durationMs: duration,
      }),
  },
];

export function benchCommand(): Command {
  const bench = verb("bench", {
    summary: "measure a running agent; appends records to its log",
    examples: [
      "proglog bench produce --in-flight 64",
      "proglog bench stream --size 1KiB --records 500000",
    ],
  });
  for (const workload of WORKLOADS) bench.addCommand(workloadCommand(workload));
  return bench.addCommand(failoverCommand());
}

function workloadCommand(workload: Workload): Command {
  const command = verb(workload.name, {
    summary: workload.summary,
    examples: [`proglog bench ${workload.name}`],
  });
  addClientOptions(command);
  for (const name of workload.options) {
    const [flags, description, parse, fallback, shown] = OPTIONS[name];
    command.addOption(
      valueOption(flags, description, parse).default(fallback, shown),
    );
  }
  return command.action(async (_, own: Command) => {
    const options = clientOptionsOf(own);
    const result = await withClient(
      options,
      (client) => measure(client, workload, own.opts()),
    );
    if (options.json) printJson({ workload: workload.name, ...result });
    else for (const line of table(result)) printLine(line);
  });
}

function failoverCommand(): Command {
  const command = verb("failover", {
    summary: "the longest gap between acknowledgements while something fails",
    examples: ["proglog bench failover --duration 10s"],
  });
  const [flags, description, parse] = OPTIONS.duration;
  return addClientOptions(command)
    .addOption(valueOption(flags, description, parse).default(6_000, "6s"))
    .action(async (_, own: Command) => {
      const options = clientOptionsOf(own);
      const result = await withClient(options, (client) =>
        loadFailover({
          client,
          clock: createClock(),
          scheduler: createScheduler(),
          onProgress: () => undefined,
        }, { durationMs: own.opts()["duration"] }));
      if (options.json) return printJson({ workload: "failover", ...result });
      printLine(`acknowledged  ${result.acknowledged}`);
      printLine(`longest gap   ${result.gapMs.toFixed(0)} ms`);
    });
}

async function measure(
  client: ProglogClient,
  workload: Workload,
  values: Values,
): Promise<LoadResult> {
  const progress = new Progress("records", values["records"]);
  try {
    return await workload.run({
      client,
      clock: createClock(),
      scheduler: createScheduler(),
      onProgress: (records) => progress.add(records),
    }, values);
  } finally {
    progress.stop();
  }
}

function table(result: LoadResult): string[] {
  const { latency, acknowledged } = result;
  const lines = [
    `records    ${result.records} in ${result.seconds.toFixed(2)} s`,
    `rate       ${Math.round(result.recordsPerSecond)} records/s, ${
      result.megabytesPerSecond.toFixed(1)
    } MB/s`,
  ];
  if (latency === undefined) return lines;
  lines.push("latency ms         p50       p99     p99.9       max");
  if (acknowledged === undefined) return [...lines, latencyRow("", latency)];
  return [
    ...lines,
    latencyRow("acknowledged", acknowledged),
    latencyRow("consumed", latency),
  ];
}

function latencyRow(name: string, latency: LatencySummary): string {
  const { p50Ms, p99Ms, p999Ms, maxMs } = latency;
  const cells = [p50Ms, p99Ms, p999Ms, maxMs].map((value) =>
    value.toFixed(3).padStart(9)
  );
  return `${name.padEnd(12)} ${cells.join(" ")}`;
}
