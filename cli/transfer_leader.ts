/**
 * `proglog transfer-leader`: hands leadership of a log to another node.
 */
import type { Command } from "commander";
import { withClient } from "./connection.ts";
import { addClientOptions, clientOptionsOf, verb } from "./options.ts";
import { printJson, printLine } from "./output.ts";

export function transferLeaderCommand(): Command {
  const command = verb("transfer-leader", {
    summary: "hand leadership to another node, before maintenance say",
    examples: [
      "proglog transfer-leader",
      "proglog transfer-leader --to node-2",
    ],
  });
  return addClientOptions(command)
    .option("--to <node>", "name or id; default: the one that is furthest")
    .option("--log <name>", "log whose leader is meant", "default")
    .action(async (_, own: Command) => {
      const options = clientOptionsOf(own);
      const { to, log } = own.opts();
      const leader = await withClient(
        options,
        (client) =>
          client.transferLeader({ log, ...(to !== undefined && { to }) }),
      );
      if (options.json) {
        const { leaderId: id, leaderName: name } = leader;
        printJson({ leader: { id, name } });
      } else printLine(`${leader.leaderName} leads now`);
    });
}
