/** How fresh reads are. */
import assert from "node:assert/strict";
import { ReplicaWorld, valuesOf } from "./support/replica_world.ts";

const IDS = ["a", "b", "c"];

Deno.test("readBarrier() linearizable on a follower waits until it has what was acknowledged", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  await world.converge();
  const [follower] = world.followersOf(leader);
  assert(follower);
  // It gets the entries late; the others acknowledge without it.
  world.filter = ({ kind, to }) => kind !== "append" || to !== follower.id;
  await world.produce(leader, ["x"]);
  assert.equal(follower.up.nextOffset, 0);
  let isFresh = false;
  const barrier = follower.up.readBarrier("linearizable")
    .then(() => isFresh = true);
  await world.time.run(300);
  assert.equal(isFresh, false);
  world.filter = () => true;
  await world.time.settled(barrier);
  assert.deepEqual(valuesOf(follower.up), ["x"]);
  await world.stopAll();
});

Deno.test("readBarrier() asks again when the answer is lost", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  await world.converge();
  const [follower] = world.followersOf(leader);
  assert(follower);
  let lostCount = 0;
  world.filter = ({ kind }) => {
    if (kind !== "read_response" || lostCount > 0) return true;
    lostCount += 1;
    return false;
  };
  await world.time.settled(follower.up.readBarrier("linearizable"));
  assert.equal(lostCount, 1);
  await world.stopAll();
});

Deno.test("readBarrier() on the leader of a minority is not answered", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  await world.converge();
  world.cut(leader.id);
  await assert.rejects(
    world.time.settled(leader.up.readBarrier("linearizable")),
    { code: "unavailable" },
  );
  world.heal();
  await world.leader();
  await world.stopAll();
});

Deno.test("readBarrier() leader is for the leader only, which answers under its lease", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  await world.time.run(300);
  const before = world.sentCount;
  let isFresh = false;
  leader.up.readBarrier("leader").then(() => isFresh = true);
  await world.time.run(0);
  assert.equal(isFresh, true);
  assert.equal(world.sentCount, before, "without asking anybody");
  const [follower] = world.followersOf(leader);
  assert(follower);
  await assert.rejects(world.time.settled(follower.up.readBarrier("leader")), {
    code: "not_leader",
    details: { leader: leader.id, outcome: "not_appended" },
  });
  await world.stopAll();
});

Deno.test("readBarrier() ends when its reader gives up", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  world.cut(leader.id);
  const reader = new AbortController();
  const barrier = leader.up.readBarrier("linearizable", reader.signal);
  reader.abort();
  await assert.rejects(barrier, { code: "cancelled" });
  world.heal();
  await world.stopAll();
});
