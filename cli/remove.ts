/**
 * `proglog remove NODE`: takes a node out of the cluster for good. Shows the
 * voters before and after; with --dry-run that is all it does.
 */
import type { Command } from "commander";
import { ProglogError } from "../core/errors.ts";
import type {
  RemoveNodeResponse,
  VoterSet,
} from "../net/rpc/gen/proglog/v1/admin_pb.ts";
import { withClient } from "./connection.ts";
import { addClientOptions, clientOptionsOf, verb } from "./options.ts";
import { printJson, printLine } from "./output.ts";

export function removeCommand(): Command {
  const command = verb("remove", {
    summary: "take a node that will not come back out of the cluster",
    examples: ["proglog remove node-3 --dry-run", "proglog remove node-3"],
  }).argument("<node>", "name or id of the node");
  return addClientOptions(command)
    .option("--dry-run", "show what would happen, and change nothing", false)
    .action(async (node: string, _, own: Command) => {
      const options = clientOptionsOf(own);
      const mode = own.opts()["dryRun"] ? "dry_run" : "remove";
      const result = await withClient(
        options,
        (client) => client.removeNode({ node, mode }),
      );
      if (options.json) printJson(removalJson(result));
      else for (const line of removalLines(result)) printLine(line);
      if (result.refusal !== "") {
        throw new ProglogError("invalid_argument", result.refusal);
      }
    });
}

export function removalLines(result: RemoveNodeResponse): string[] {
  const { nodeName, nodeId, removed, before, after } = result;
  const lines = [
    `${removed ? "removed" : "would remove"} ${nodeName} (${nodeId})`,
  ];
  if (before !== undefined) lines.push(`before  ${votersInWords(before)}`);
  if (after !== undefined) lines.push(`after   ${votersInWords(after)}`);
  return lines;
}

function votersInWords(set: VoterSet): string {
  const { voters, quorum, reachable, faultToleranceLeft } = set;
  const left = faultToleranceLeft < 0
    ? "no quorum"
    : `${faultToleranceLeft} more may fail`;
  return `${
    voters.join(", ")
  }: ${reachable} of ${voters.length} voters reachable, ${quorum} needed, ${left}`;
}

function removalJson(result: RemoveNodeResponse) {
  return {
    node: { id: result.nodeId, name: result.nodeName },
    removed: result.removed,
    refusal: result.refusal === "" ? null : result.refusal,
    before: setJson(result.before),
    after: setJson(result.after),
  };
}

function setJson(set: VoterSet | undefined) {
  if (set === undefined) return null;
  const { voters, quorum, reachable, faultToleranceLeft } = set;
  return {
    voters,
    quorum,
    reachable,
    fault_tolerance_left: faultToleranceLeft,
  };
}
