/**
 * `proglog log verify DIR` and `proglog log dump DIR`: looks at the files of an
 * agent that does not run. The work is in log.ts. Caller: main.ts.
 */
import type { Command } from "commander";
import { join } from "node:path";
import { ProglogError } from "../core/errors.ts";
import { dumpLog, verifyLog } from "./log.ts";
import { verb } from "./options.ts";
import { printLine } from "./output.ts";

export function logCommand(): Command {
  return verb("log", {
    summary: "check or show the files of an agent that does not run",
    examples: [
      "proglog log verify ~/.proglog/data",
      "proglog log dump ~/.proglog/data/logs/default | head",
    ],
  })
    .addCommand(verifyCommand())
    .addCommand(dumpCommand());
}

function verifyCommand(): Command {
  return verb("verify", {
    summary: "check every byte; print JSON; exit 1 if there is damage",
    examples: ["proglog log verify ~/.proglog/data"],
  })
    .argument("<dir>", "a data directory, or the directory of one log in it")
    .action((directory: string) => {
      const damaged = logsIn(directory).filter((log) =>
        !verifyLog(log, printLine)
      );
      if (damaged.length === 0) return;
      throw new ProglogError(
        "corrupt",
        `There is damage in ${damaged.join(" and ")}`,
        {
          details: { kind: "log_files" },
        },
      );
    });
}

function dumpCommand(): Command {
  return verb("dump", {
    summary: "print every segment, entry and record as a line of JSON",
    examples: ["proglog log dump ~/.proglog/data | head"],
  })
    .argument("<dir>", "a data directory, or the directory of one log in it")
    .action((directory: string) => {
      for (const log of logsIn(directory)) dumpLog(log, printLine);
    });
}

/** Directories with segments: DIR/logs/NAME/log, DIR/log, or DIR itself. */
function logsIn(directory: string): string[] {
  const names = namesIn(join(directory, "logs"));
  if (names !== undefined) {
    return names.map((name) => join(directory, "logs", name, "log"));
  }
  const own = join(directory, "log");
  return [namesIn(own) === undefined ? directory : own];
}

/** Sorted; undefined when there is no such directory. */
function namesIn(directory: string): string[] | undefined {
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
