/**
 * `proglog trim --before OFFSET`: gives back the room of old records. Each server
 * forgets for itself, so all of them are told.
 */
import type { Command } from "commander";
import { isProglogError, ProglogError } from "../core/errors.ts";
import type { ProglogClient } from "../net/client/mod.ts";
import { withClient } from "./connection.ts";
import {
  addClientOptions,
  type ClientOptions,
  clientOptionsOf,
  valueOption,
  verb,
} from "./options.ts";
import { printJson, printLine, printRemark } from "./output.ts";
import { parseWholeNumber } from "./units.ts";

interface TrimRequest {
  readonly log: string;
  readonly before: number;
}

/** What one server says. */
interface Trimmed {
  readonly id: string;
  readonly rpc_addr: string;
  readonly lowest_offset: number;
  readonly removed_bytes: number;
}

export function trimCommand(): Command {
  const command = verb("trim", {
    summary: "delete old records, in whole segments, on every server",
    examples: [
      "proglog trim --before 1000000",
      "proglog trim --before 1000000 --log default --json",
    ],
  });
  return addClientOptions(command)
    .addOption(
      valueOption(
        "--before <offset>",
        "records below this offset may go; this one stays",
        (text) => parseWholeNumber(text, { min: 0, max: 2 ** 53 - 1 }),
      ).makeOptionMandatory(),
    )
    .option("--log <name>", "log to trim", "default")
    .action(async (_, own: Command) => {
      const options = clientOptionsOf(own);
      const { before, log } = own.opts();
      await withClient(
        options,
        (client) => trimAll(client, options, { before, log }),
      );
    });
}

/** Goes on after a failure, so that one dead server does not save the others. */
async function trimAll(
  client: ProglogClient,
  options: ClientOptions,
  request: TrimRequest,
): Promise<void> {
  const trimmed: Trimmed[] = [];
  const failed: string[] = [];
  const servers = await client.servers();
  for (const { id, rpcAddr } of servers) {
    const addrs = servers.length === 1 ? options.addrs : [rpcAddr];
    try {
      const answer = await withClient(
        { ...options, addrs },
        (server) => server.trim(request),
      );
      trimmed.push({
        id,
        rpc_addr: rpcAddr,
        lowest_offset: Number(answer.lowestOffset),
        removed_bytes: Number(answer.removedBytes),
      });
    } catch (error) {
      if (!isProglogError(error)) throw error;
      failed.push(id);
      printRemark(`${id}: ${error.message}`);
    }
  }
  if (options.json) printJson({ servers: trimmed, failed });
  else for (const one of trimmed) printLine(trimmedInWords(one));
  if (failed.length === 0) return;
  throw new ProglogError(
    "unavailable",
    `Not trimmed on ${failed.join(", ")}: run it again when they are back`,
  );
}

function trimmedInWords(one: Trimmed): string {
  return `${one.id} begins at ${one.lowest_offset} now, ${one.removed_bytes} bytes went`;
}
