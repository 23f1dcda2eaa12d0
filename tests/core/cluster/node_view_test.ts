import assert from "node:assert/strict";
import { nodesOf, nodeTags } from "../../../core/cluster/node_view.ts";
import type { MemberView } from "../../../core/swim/serf/events.ts";

function member(
  over: { name?: string; id?: string; rpcAddress?: string },
): MemberView {
  const { name = "a", id = "id-a", rpcAddress = "a:1" } = over;
  return {
    name,
    host: "127.0.0.1",
    port: 8401,
    tags: nodeTags({ id, rpcAddress, clusterId: "" }),
    status: "alive",
    sinceMs: 0,
  };
}

Deno.test("nodesOf() takes nodes with our tags", () => {
  for (const rpcAddress of ["a:1", "10.0.0.1:65535", "[::1]:8400"]) {
    assert.equal(nodesOf([member({ rpcAddress })])[0]?.rpcAddress, rpcAddress);
  }
});

Deno.test("nodesOf() leaves out what cannot be a member or be dialled", () => {
  const long = "x".repeat(256);
  const rows = [
    { id: "" },
    { id: long },
    { name: long },
    { name: "\u00e4".repeat(128) },
    { rpcAddress: "" },
    { rpcAddress: "a" },
    { rpcAddress: "a:0" },
    { rpcAddress: "a:99999" },
    { rpcAddress: "a:-1" },
    { rpcAddress: "\0:1" },
    { rpcAddress: `${long}:1` },
  ];
  for (const row of rows) {
    assert.deepEqual(nodesOf([member(row)]), [], JSON.stringify(row));
  }
});
