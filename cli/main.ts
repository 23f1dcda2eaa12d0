/**
 * The command line of proglog: puts the verbs together, gives each its settings,
 * and turns every outcome into words and an exit code (0 done, 1 failed,
 * 2 wrongly called). One line per verb in `verbs()`.
 */
import { Command, CommanderError } from "commander";
import { VERSION } from "../net/version.ts";
import { agentCommand } from "./agent.ts";
import { benchCommand } from "./bench.ts";
import { certsCommand } from "./certs.ts";
import { completionCommand } from "./completion.ts";
import { consumeCommand } from "./consume.ts";
import { devCommand } from "./dev.ts";
import { gossipCommand } from "./gossip.ts";
import { logCommand } from "./log_verb.ts";
import { describeFailure, EXIT, printError } from "./output.ts";
import { membersCommand } from "./members.ts";
import { produceCommand } from "./produce.ts";
import { removeCommand } from "./remove.ts";
import { serversCommand } from "./servers.ts";
import { applySettings, optionNamesOf } from "./settings.ts";
import { statusCommand } from "./status.ts";
import { transferLeaderCommand } from "./transfer_leader.ts";
import { trimCommand } from "./trim.ts";

function verbs(): Command[] {
  return [
    certsCommand(),
    agentCommand(),
    produceCommand(),
    consumeCommand(),
    serversCommand(),
    statusCommand(),
    membersCommand(),
    transferLeaderCommand(),
    removeCommand(),
    trimCommand(),
    gossipCommand(),
    devCommand(),
    benchCommand(),
    logCommand(),
    completionCommand(),
  ];
}

/** The whole program; tests run it with their own arguments. */
export function buildProgram(): Command {
  const program = new Command("proglog")
    .description("a distributed commit log in one executable")
    .version(VERSION, "--version", "print the version")
    .addHelpText(
      "after",
      "\nEvery option can also be set as PROGLOG_NAME_OF_OPTION in the environment, or under\n" +
        "its name in the file that --config-file names. The command line comes first.\n",
    );
  for (const command of verbs()) program.addCommand(command);
  program.hook("preAction", (_, command) =>
    applySettings(command, {
      env: (name) => Deno.env.get(name),
      knownKeys: optionNamesOf(program),
    }));
  harden(program);
  return program;
}

/** Makes a command and all below it report usage errors our way, by throwing. */
function harden(command: Command): void {
  command.exitOverride().helpCommand(false).configureOutput({
    outputError: (text, write) => write(usageText(command, text)),
  });
  for (const child of command.commands) harden(child);
}

/** Runs a command line and answers with the exit code; never throws. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync(args, { from: "user" });
    return EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    }
    const failure = describeFailure(error);
    printError(failure.text);
    return failure.exitCode;
  }
}

function usageText(command: Command, text: string): string {
  const what = text.trim().replace(/^error: /, "").replace(/\s+/g, " ")
    .replace(/\.$/, "");
  return `proglog: ${what}. See \`${fullName(command)} --help\`\n`;
}

function fullName(command: Command): string {
  return command.parent === null
    ? command.name()
    : `${fullName(command.parent)} ${command.name()}`;
}

if (import.meta.main) Deno.exit(await run(Deno.args));
