/**
 * `proglog gossip keys`: lists and rotates the keys that encrypt gossip, on all
 * nodes and without a restart: add the new one, use it, remove the old one.
 */
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { ProglogError } from "../core/errors.ts";
import { KeyOperation } from "../net/rpc/gen/proglog/v1/admin_pb.ts";
import { withClient } from "./connection.ts";
import { addClientOptions, clientOptionsOf, verb } from "./options.ts";
import { printJson, printLine } from "./output.ts";

const KEY_BYTES = 32;

interface KeyVerb {
  readonly name: string;
  readonly summary: string;
  readonly operation: KeyOperation;
  readonly key: "none" | "given" | "given_or_new";
}

const VERBS: readonly KeyVerb[] = [
  {
    name: "list",
    summary: "show the keys and how many nodes have and use each",
    operation: KeyOperation.LIST,
    key: "none",
  },
  {
    name: "add",
    summary: "give all nodes one more key; without one, a new one is made",
    operation: KeyOperation.INSTALL,
    key: "given_or_new",
  },
  {
    name: "use",
    summary: "let all nodes encrypt with a key that they have",
    operation: KeyOperation.USE,
    key: "given",
  },
  {
    name: "remove",
    summary: "take a key that is no longer used from all nodes",
    operation: KeyOperation.REMOVE,
    key: "given",
  },
];

export function gossipCommand(): Command {
  const keys = verb("keys", {
    summary: "list and rotate the keys that encrypt gossip",
    examples: [
      "proglog gossip keys list",
      "NEW=$(proglog gossip keys add) && proglog gossip keys use $NEW",
    ],
  });
  for (const keyVerb of VERBS) keys.addCommand(keyCommand(keyVerb));
  return verb("gossip", {
    summary: "keys of the gossip between nodes",
    examples: ["proglog gossip keys list"],
  }).addCommand(keys);
}

function keyCommand(keyVerb: KeyVerb): Command {
  const { name, summary } = keyVerb;
  const command = verb(name, {
    summary,
    examples: [
      `proglog gossip keys ${name}${keyVerb.key === "given" ? " KEY" : ""}`,
    ],
  });
  if (keyVerb.key === "given") command.argument("<key>", "base64 of 32 bytes");
  if (keyVerb.key === "given_or_new") {
    command.argument("[key]", "base64 of 32 bytes");
  }
  return addClientOptions(command).action(() => changeKey(keyVerb, command));
}

async function changeKey(keyVerb: KeyVerb, command: Command): Promise<void> {
  const options = clientOptionsOf(command);
  const key = command.args[0] ??
    (keyVerb.key === "given_or_new"
      ? randomBytes(KEY_BYTES).toString("base64")
      : "");
  const report = await withClient(
    options,
    (client) => client.gossipKey({ operation: keyVerb.operation, key }),
  );
  const { nodeCount, keys, failures } = report;
  if (options.json) {
    printJson({
      node_count: nodeCount,
      keys: keys.map(({ key, installedCount, primaryCount }) => ({
        key,
        installed_count: installedCount,
        primary_count: primaryCount,
      })),
      failures,
    });
  } else if (keyVerb.operation === KeyOperation.LIST) {
    for (const { key, installedCount, primaryCount } of keys) {
      printLine(
        `${key}  on ${installedCount} of ${nodeCount} nodes, encrypts on ${primaryCount}`,
      );
    }
  } else if (failures.length === 0) printLine(key);
  const [first] = failures;
  if (first === undefined) return;
  throw new ProglogError(
    "unavailable",
    `${failures.length} of ${nodeCount} nodes did not do it, first ${first.node}: ${first.message}`,
  );
}
