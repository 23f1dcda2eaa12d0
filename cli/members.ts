/**
 * `proglog members`: everyone that gossip knows, the gone ones too.
 */
import type { Command } from "commander";
import type { ProglogClient } from "../net/client/mod.ts";
import { withClient } from "./connection.ts";
import { addClientOptions, clientOptionsOf, verb } from "./options.ts";
import { printJson, printLine } from "./output.ts";
import { duration } from "./status.ts";
import { table } from "./table.ts";

export function membersCommand(): Command {
  const command = verb("members", {
    summary: "list everyone that gossip knows, the gone ones too",
    examples: ["proglog members", "proglog members --watch"],
  });
  return addClientOptions(command)
    .option("--watch", "show them again at every change, until Ctrl-C", false)
    .action((_, own: Command) => showMembers(own));
}

const WATCH_INTERVAL_MS = 500;

async function showMembers(command: Command): Promise<void> {
  const options = clientOptionsOf(command);
  await withClient(options, async (client) => {
    let shown = "";
    do {
      const members = await client.members();
      const state = JSON.stringify(
        members.map(({ name, address, status, tags }) => [
          name,
          address,
          status,
          tags,
        ]),
      );
      if (state !== shown) {
        if (options.json) printJson(membersJson(members));
        else for (const line of membersTable(members)) printLine(line);
        if (command.opts()["watch"]) printLine("");
      }
      shown = state;
      if (command.opts()["watch"]) await pause(WATCH_INTERVAL_MS);
    } while (command.opts()["watch"]);
  });
}

type Members = Awaited<ReturnType<ProglogClient["members"]>>;

function membersJson(members: Members) {
  return {
    members: members.map(({ name, address, status, tags }) => ({
      name,
      addr: address,
      status,
      tags,
    })),
  };
}

function membersTable(members: Members): string[] {
  const rows = members.map(({ name, address, status, sinceMs, tags }) => [
    name,
    address,
    `${status} for ${duration(Number(sinceMs))}`,
    Object.entries(tags).map(([key, value]) => `${key}=${value}`).join(" "),
  ]);
  return table(rows);
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
