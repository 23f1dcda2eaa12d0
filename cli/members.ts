/**
 * `proglog members`: everyone that gossip knows, the gone ones too.
 */
import type { Command } from "commander";
import { withClient } from "./connection.ts";
import { addClientOptions, clientOptionsOf, verb } from "./options.ts";
import { printJson, printLine } from "./output.ts";
import { duration } from "./status.ts";
import { table } from "./table.ts";

export function membersCommand(): Command {
  const command = verb("members", {
    summary: "list everyone that gossip knows, the gone ones too",
    examples: ["proglog members", "proglog members --json"],
  });
  return addClientOptions(command).action(async (_, own: Command) => {
    const options = clientOptionsOf(own);
    const members = await withClient(options, (client) => client.members());
    if (options.json) {
      return printJson({
        members: members.map(({ name, address, status, tags }) => ({
          name,
          addr: address,
          status,
          tags,
        })),
      });
    }
    const rows = members.map(({ name, address, status, sinceMs, tags }) => [
      name,
      address,
      `${status} for ${duration(Number(sinceMs))}`,
      Object.entries(tags).map(([key, value]) => `${key}=${value}`).join(" "),
    ]);
    for (const line of table(rows)) printLine(line);
  });
}
