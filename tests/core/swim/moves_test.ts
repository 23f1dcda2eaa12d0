/**
 * A node that comes back at another address takes its name along, and claims
 * from elsewhere do not breed packets.
 */
import assert from "node:assert/strict";
import { parseIp } from "../../../core/swim/wire/ip.ts";
import { ScriptedNode } from "./scripted_node.ts";

const OLD = parseIp("10.0.0.2")!;
const NEW = parseIp("10.0.0.77")!;
const B = { node_id: "b-of-old" };

function alive(incarnation: number) {
  return { status: "alive", incarnation } as const;
}

function started(identity = {}): ScriptedNode {
  const node = new ScriptedNode("a", identity);
  node.takeOutput();
  return node;
}

Deno.test("a node that has moved is there at once when it outdoes its earlier claim", () => {
  const node = started();
  node.receiveClaim("b", alive(1), OLD, B);
  node.takeOutput();
  node.receiveClaim("b", alive(2), NEW, B);
  assert.deepEqual(node.takeOutput(), [
    "event member_update b 10.0.0.77 alive",
  ]);
});

Deno.test("a node that has moved is told of its earlier claim once a second", () => {
  const node = started();
  node.receiveClaim("b", alive(3), OLD, B);
  node.takeOutput();
  for (let times = 0; times < 3; times++) {
    node.receiveClaim("b", alive(1), NEW, B);
  }
  assert.deepEqual(node.takeOutput(), ["packet to 10.0.0.77: alive b 3"]);
  node.nowMs += 1_000;
  node.receiveClaim("b", alive(1), NEW, B);
  assert.deepEqual(node.takeOutput(), ["packet to 10.0.0.77: alive b 3"]);
});

Deno.test("a node outdoes what it claimed in an earlier life elsewhere, in silence", () => {
  const node = started({ node_id: "a" });
  node.receiveClaim("a", alive(7), NEW, { node_id: "a" });
  assert.deepEqual(node.takeOutput(), [
    "notice Refuting an earlier claim of ours",
  ]);
  assert.deepEqual(node.swimTable(), ["a alive 8"]);
});

Deno.test("a copy of a node is reported by the node that is there for long, and outdone now and then", () => {
  const node = started({ node_id: "a" });
  node.advance(30_000);
  for (const [incarnation, told] of [[7, 8], [9, 8], [11, 8]] as const) {
    node.takeOutput();
    node.receiveClaim("a", alive(incarnation), NEW, { node_id: "a" });
    const conflict = "event name_conflict a 10.0.0.1 10.0.0.77 ours";
    assert.ok(node.takeOutput().includes(conflict));
    assert.deepEqual(node.swimTable(), [`a alive ${told}`]);
    node.advance(10_000);
  }
  node.receiveClaim("a", alive(11), NEW, { node_id: "a" });
  assert.deepEqual(node.swimTable(), ["a alive 12"]);
});

Deno.test("a claim to another's name is passed on once a second, and reported each time", () => {
  const node = started();
  node.receiveClaim("b", alive(1), OLD, B);
  node.takeOutput();
  for (let times = 0; times < 2; times++) {
    node.receiveClaim("b", alive(2), NEW, { node_id: "another" });
  }
  assert.deepEqual(node.takeOutput().toSorted(), [
    "event name_conflict b 10.0.0.2 10.0.0.77",
    "event name_conflict b 10.0.0.2 10.0.0.77",
    "packet to 10.0.0.2: alive b 2",
  ]);
});

Deno.test("a claim is not passed on to an address that is our own by now", () => {
  const node = started();
  node.receiveClaim("b", alive(1), parseIp("10.0.0.1")!, B);
  node.takeOutput();
  node.receiveClaim("b", alive(2), NEW, { node_id: "another" });
  assert.deepEqual(node.takeOutput(), [
    "event name_conflict b 10.0.0.1 10.0.0.77",
  ]);
});
