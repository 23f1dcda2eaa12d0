/** Whom a node dials, and gossip's tags. */
import assert from "node:assert/strict";
import {
  nodesOf,
  nodeTags,
  type NodeView,
} from "../../../core/cluster/node_view.ts";
import { peerAddresses } from "../../../core/cluster/peer_addresses.ts";
import { makeConfiguration } from "../../../core/raft/configuration.ts";

function node(name: string, over: Partial<NodeView> = {}): NodeView {
  return {
    name,
    id: `id-${name}`,
    rpcAddress: `${name}:1`,
    clusterId: "c1",
    status: "alive",
    sinceMs: 0,
    ...over,
  };
}

function dialled(nodes: readonly NodeView[], members: string): string[] {
  const configuration = makeConfiguration(
    members.split(" ").filter((name) => name !== "").map((name) => ({
      id: `id-${name}`,
      name,
      address: `${name}:1`,
      role: "voter",
    })),
  );
  const addresses = peerAddresses(configuration, nodes, "id-a");
  return [...addresses].map(([id, address]) => `${id} ${address}`);
}

const ROWS: readonly [
  string,
  readonly NodeView[],
  string,
  readonly string[],
][] = [
  [
    "members at their configured addresses where gossip knows nothing",
    [],
    "a b c",
    ["id-b b:1", "id-c c:1"],
  ],
  [
    "members where gossip has seen them last",
    [node("b", { rpcAddress: "b:9" }), node("c", { status: "failed" })],
    "a b c",
    ["id-b b:9", "id-c c:1"],
  ],
  [
    "the cluster's other nodes, while this one has no configuration",
    [node("a"), node("b"), node("c", { status: "failed" })],
    "",
    ["id-b b:1"],
  ],
  [
    "no nodes of another cluster",
    [node("a"), node("x", { clusterId: "c2" })],
    "a",
    [],
  ],
  [
    "members in conflict at their configured addresses",
    [node("b", { rpcAddress: "z:1" }), node("d", { rpcAddress: "z:1" })],
    "a b",
    ["id-b b:1"],
  ],
];

for (const [name, nodes, members, expected] of ROWS) {
  Deno.test(`peerAddresses(): ${name}`, () => {
    assert.deepEqual(dialled(nodes, members), expected);
  });
}

Deno.test("nodesOf() reads the tags that nodeTags() makes, and skips other agents", () => {
  const tags = nodeTags(node("b"));
  const view = {
    host: "10.0.0.2",
    port: 8401,
    status: "alive",
    sinceMs: 7,
  } as const;
  assert.deepEqual(
    nodesOf([
      { ...view, name: "serf", tags: { role: "web" } },
      { ...view, name: "b", tags },
    ]),
    [node("b", { sinceMs: 7 })],
  );
});
