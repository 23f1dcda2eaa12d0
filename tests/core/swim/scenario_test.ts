/**
 * Runs the scenario files: a command a block, `----`, and the trace expected.
 * `UPDATE_SCENARIOS=1` writes what happened into the files: read the diff.
 *
 *   claim b alive 1 [host]    a claim about b arrives (alive suspect dead left)
 *   message b ping 7 [name]   b sends ping, ack, nack or indirect (for name)
 *   intent join|leave c 5     a serf intent arrives
 *   advance 500               virtual milliseconds pass
 *   join b | leave | tags k=v | force-leave b | members | table
 */
import assert from "node:assert/strict";
import {
  encodeAck,
  encodeIndirectPing,
  encodeNack,
  encodePing,
  encodeUserPacket,
} from "../../../core/swim/wire/messages.ts";
import {
  encodeJoinIntent,
  encodeLeaveIntent,
} from "../../../core/swim/wire/serf_messages.ts";
import { formatIp, parseIp } from "../../../core/swim/wire/ip.ts";
import { addressOf, ScriptedNode } from "./scripted_node.ts";

const DIRECTORY = new URL("./scenarios/", import.meta.url);

for (const { name } of [...Deno.readDirSync(DIRECTORY)].sort(byName)) {
  const title = name.replace(".txt", "").replaceAll("_", " ");
  Deno.test(`Serf plays the scenario: ${title}`, () => {
    const path = new URL(name, DIRECTORY);
    const expected = Deno.readTextFileSync(path);
    const actual = play(expected);
    if (Deno.env.get("UPDATE_SCENARIOS") === "1") {
      Deno.writeTextFileSync(path, actual);
    } else assert.equal(actual, expected);
  });
}

function play(script: string): string {
  const node = new ScriptedNode("a");
  node.takeOutput();
  const blocks = script.split("\n\n").map((block) => {
    const [head] = block.split("\n----");
    const commands = head!.split("\n").filter((line) =>
      line !== "" && !line.startsWith("#")
    );
    const output = commands.flatMap((line) => run(node, line.split(" ")));
    return [head!.trimEnd(), "----", ...output].join("\n");
  });
  return blocks.join("\n\n") + "\n";
}

function run(node: ScriptedNode, words: string[]): string[] {
  const [command, first = "", second = "", third = ""] = words;
  const { serf } = node;
  switch (command) {
    case "claim": {
      const status = second as "alive" | "suspect" | "dead" | "left";
      const host = words[4] === undefined ? undefined : parseIp(words[4])!;
      node.receiveClaim(first, { status, incarnation: Number(third) }, host);
      break;
    }
    case "message":
      node.receive(first, encodeNamed(first, second, Number(third), words[4]));
      break;
    case "intent": {
      const lamportTime = Number(third);
      const intent = { lamportTime, node: second, isPrune: false };
      const encode = first === "join" ? encodeJoinIntent : encodeLeaveIntent;
      node.receive("b", encodeUserPacket(encode(intent)));
      break;
    }
    case "advance":
      node.advance(Number(first));
      break;
    case "join":
      serf.join({ host: formatIp(addressOf(first))!, port: 7946 }, node.nowMs);
      break;
    case "leave":
      serf.leave(node.nowMs);
      break;
    case "tags":
      serf.setTags(Object.fromEntries([first.split("=")]), node.nowMs);
      break;
    case "force-leave":
      serf.forceLeave(first, { isPrune: false }, node.nowMs);
      break;
    case "members":
      return serf.members().map(({ name, host, status }) =>
        `${name} ${host} ${status}`
      );
    case "table":
      return node.swimTable();
    default:
      throw new Error(`Unknown command ${command}`);
  }
  return node.takeOutput();
}

function encodeNamed(
  from: string,
  kind: string,
  seqNo: number,
  target = "",
): Uint8Array {
  const source = { address: addressOf(from), port: 7946, name: from };
  const payload = new Uint8Array(0);
  switch (kind) {
    case "ping":
      return encodePing({ seqNo, node: target, source });
    case "ack":
      return encodeAck({ seqNo, payload });
    case "nack":
      return encodeNack(seqNo);
    case "indirect":
      return encodeIndirectPing({
        seqNo,
        target: addressOf(target),
        port: 7946,
        node: target,
        wantsNack: true,
        source,
      });
    default:
      throw new Error(`Unknown message ${kind}`);
  }
}

function byName(a: Deno.DirEntry, b: Deno.DirEntry): number {
  return a.name < b.name ? -1 : 1;
}
