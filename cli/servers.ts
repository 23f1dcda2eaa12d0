/**
 * `proglog servers`: who is in the cluster and who leads.
 */
import type { Command } from "commander";
import { withClient } from "./connection.ts";
import { addClientOptions, clientOptionsOf, verb } from "./options.ts";
import { printJson, printLine } from "./output.ts";

export function serversCommand(): Command {
  const command = verb("servers", {
    summary: "list the servers of the cluster",
    examples: [
      "proglog servers",
      "proglog servers --addr 10.0.0.7:8400 --json",
    ],
  });
  return addClientOptions(command).action(async (_, own: Command) => {
    const options = clientOptionsOf(own);
    const servers = await withClient(options, (client) => client.servers());
    if (options.json) {
      printJson({
        servers: servers.map((server) => ({
          id: server.id,
          rpc_addr: server.rpcAddr,
          is_leader: server.isLeader,
        })),
      });
      return;
    }
    for (const server of servers) {
      const role = server.isLeader ? "leader" : "follower";
      printLine(`${server.id}  ${server.rpcAddr}  ${role}`);
    }
  });
}
