/** What GetServers answers make of endpoints. */
import assert from "node:assert/strict";
import { Picker } from "../../../net/client/picker.ts";
import {
  afterAnswer,
  type Endpoints,
  initialEndpoints,
  type ListedServer,
} from "../../../net/client/resolver.ts";

function listed(...addresses: string[]): ListedServer[] {
  return addresses.map((address) => ({
    rpcAddr: address.replace("*", ""),
    isLeader: address.endsWith("*"),
  }));
}

function endpoints(...addresses: string[]): Endpoints {
  const servers = listed(...addresses);
  return afterAnswer(initialEndpoints(["seed"]), { from: "seed", servers });
}

function picks(kind: "write" | "read" | "ask", of: Endpoints): string[] {
  const picker = new Picker();
  return Array.from({ length: 5 }, () => picker.order(kind, of)[0] ?? "none");
}

Deno.test("afterAnswer() tells the leader from the followers (reference: TestResolver)", () => {
  const { leader, followers } = endpoints("localhost:9001*", "localhost:9002");
  assert.equal(leader, "localhost:9001");
  assert.deepEqual(followers, ["localhost:9002"]);
});

Deno.test("afterAnswer() drops a leader that the new list does not have (defect 14)", () => {
  const before = endpoints("a*", "b");
  const after = afterAnswer(before, { from: "b", servers: listed("a", "b") });
  assert.equal(after.leader, undefined);
  assert.deepEqual(after.followers, ["a", "b"]);
  assert.equal(before.leader, "a");
  assert.ok(Object.isFrozen(after) && Object.isFrozen(after.followers));
});

Deno.test("afterAnswer() of a single server keeps the address that answered", () => {
  assert.equal(endpoints("its-own-name:8400*").leader, "seed");
  assert.deepEqual(endpoints("its-own-name:8400").followers, ["seed"]);
});

Deno.test("afterAnswer() of an empty list keeps the server that answered", () => {
  assert.deepEqual(endpoints().followers, ["seed"]);
});

Deno.test("order() without an answer has the seeds (reference: TestPickerNoSubConnAvailable)", () => {
  const nothing = initialEndpoints(["s1", "s2"]);
  assert.deepEqual(new Picker().order("write", nothing), ["s1", "s2"]);
  assert.deepEqual(new Picker().order("read", nothing), ["s1", "s2"]);
});

Deno.test("order() sends writes to the leader (reference: TestPickerProducesToLeader)", () => {
  assert.deepEqual(picks("write", endpoints("a", "b*", "c")), [
    "b",
    "b",
    "b",
    "b",
    "b",
  ]);
});

Deno.test("order() sends reads round the followers (reference: TestPickerConsumesFromFollowers)", () => {
  assert.deepEqual(picks("read", endpoints("a", "b*", "c")), [
    "a",
    "c",
    "a",
    "c",
    "a",
  ]);
});

Deno.test("order() sends reads to the leader where there is no follower", () => {
  assert.equal(picks("read", endpoints("a*"))[0], "seed");
});

Deno.test("order() asks the server that the user named", () => {
  assert.equal(picks("ask", endpoints("a*", "b"))[0], "seed");
});

Deno.test("order() has every server behind the pick, each once", () => {
  const order = new Picker().order("read", endpoints("a", "seed*", "c"));
  assert.deepEqual(order, ["a", "c", "seed"]);
});
