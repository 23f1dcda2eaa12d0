/** Which cluster a node belongs to that does not know it. */
import assert from "node:assert/strict";
import type { NodeView } from "../../../../core/cluster/node_view.ts";
import { makeConfiguration } from "../../../../core/raft/configuration.ts";
import { clusterToAdopt } from "../../../../net/agent/cluster/founding.ts";

function node(id: string, clusterId: string): NodeView {
  const rpcAddress = `${id}:1`;
  return { name: id, id, rpcAddress, clusterId, status: "alive", sinceMs: 0 };
}

const ROWS: readonly {
  readonly name: string;
  readonly members: readonly string[];
  readonly leaderId: string | undefined;
  readonly nodes: readonly NodeView[];
  readonly expect: string | undefined;
}[] = [
  {
    name: "a node that was taken in belongs where its leader does",
    members: ["a", "b", "self"],
    leaderId: "b",
    nodes: [node("a", "c0"), node("b", "c1"), node("self", "")],
    expect: "c1",
  },
  {
    name: "a leader without the file asks another member",
    members: ["a", "self"],
    leaderId: "self",
    nodes: [node("a", "c1"), node("self", "")],
    expect: "c1",
  },
  {
    name: "an only member founded its cluster (a crash between log and file)",
    members: ["self"],
    leaderId: "self",
    nodes: [node("self", ""), node("stranger", "c9")],
    expect: "self",
  },
  {
    name: "an only member that does not lead yet waits",
    members: ["self"],
    leaderId: undefined,
    nodes: [],
    expect: undefined,
  },
  {
    name: "a node that is no member belongs nowhere",
    members: ["a"],
    leaderId: "a",
    nodes: [node("a", "c1"), node("self", "")],
    expect: undefined,
  },
  {
    name: "what is no id of a cluster is not believed",
    members: ["a", "b", "self"],
    leaderId: "a",
    nodes: [node("a", "c 1\n"), node("b", "c1"), node("self", "")],
    expect: "c1",
  },
  {
    name: "a stranger is not asked",
    members: ["a", "self"],
    leaderId: "self",
    nodes: [node("stranger", "c9"), node("self", "")],
    expect: undefined,
  },
];

for (const { name, members, leaderId, nodes, expect } of ROWS) {
  Deno.test(`clusterToAdopt(): ${name}`, () => {
    const configuration = makeConfiguration(
      members.map((id) => ({
        id,
        name: id,
        address: `${id}:1`,
        role: "voter" as const,
      })),
    );
    const group = { configuration, leaderId, nodeId: "self" };
    assert.equal(clusterToAdopt(group, nodes), expect);
  });
}
