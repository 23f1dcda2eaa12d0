/** A group of one and of three, from founding to restart. */
import assert from "node:assert/strict";
import { offset } from "../../../../core/ids.ts";
import {
  NEVER_ABORTED,
  recordsOf,
  ReplicaWorld,
  valuesOf,
} from "./support/replica_world.ts";

Deno.test("propose() on a single voter answers offsets of records that can be read", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  assert.deepEqual(await world.produce(a, ["x", "y"]), { offset: 0, count: 2 });
  assert.deepEqual(await world.produce(a, ["z"]), { offset: 2, count: 1 });
  assert.equal(a.up.nextOffset, 3);
  assert.deepEqual(valuesOf(a.up), ["x", "y", "z"]);
  await world.stopAll();
});

Deno.test("propose() on a leader of three reaches all of them", async () => {
  const world = await ReplicaWorld.found(["a", "b", "c"]);
  const leader = await world.leader();
  for (let n = 0; n < 20; n++) await world.produce(leader, [`v${n}`]);
  await world.converge();
  for (const node of world.nodes.values()) {
    assert.deepEqual(
      valuesOf(node.up),
      Array.from({ length: 20 }, (_, n) => `v${n}`),
    );
  }
  await world.stopAll();
});

Deno.test("propose() on a follower is refused with the leader's id", async () => {
  const world = await ReplicaWorld.found(["a", "b", "c"]);
  const leader = await world.leader();
  await world.converge();
  const [follower] = world.followersOf(leader);
  assert(follower);
  await assert.rejects(world.produce(follower, ["x"]), {
    code: "not_leader",
    details: { leader: leader.id, outcome: "not_appended" },
  });
  await world.stopAll();
});

Deno.test("open() after an orderly stop has every record at once", async () => {
  const world = await ReplicaWorld.found(["a"]);
  await world.produce(await world.leader(), ["x", "y"]);
  await world.stop("a");
  const replica = await world.open("a");
  assert.deepEqual(valuesOf(replica), ["x", "y"]);
  const a = await world.leader();
  assert.deepEqual(await world.produce(a, ["z"]), { offset: 2, count: 1 });
  await world.stopAll();
});

Deno.test("open() of all three after a power loss of all keeps what was acknowledged", async () => {
  const world = await ReplicaWorld.found(["a", "b", "c"]);
  const leader = await world.leader();
  for (let n = 0; n < 5; n++) await world.produce(leader, [`v${n}`]);
  for (const id of world.nodes.keys()) world.crash(id);
  for (const id of world.nodes.keys()) await world.open(id);
  const next = await world.leader();
  await world.produce(next, ["after"]);
  await world.converge();
  for (const node of world.nodes.values()) {
    assert.deepEqual(valuesOf(node.up), [
      "v0",
      "v1",
      "v2",
      "v3",
      "v4",
      "after",
    ]);
  }
  await world.stopAll();
});

Deno.test("whenReadable() resolves when a record is committed, not before", async () => {
  const world = await ReplicaWorld.found(["a", "b", "c"]);
  const leader = await world.leader();
  const [one, other] = world.followersOf(leader);
  assert(one && other);
  let isReadable = false;
  one.up.whenReadable(offset(0), NEVER_ABORTED).then(() => isReadable = true);
  world.filter = ({ kind }) => kind !== "append_accepted";
  const answer = leader.up.propose({
    records: new Uint8Array([0x5a, 0]),
    count: 1,
  });
  await world.time.run(150);
  assert.equal(isReadable, false, "nobody acknowledged it");
  assert.equal(one.up.nextOffset, 0);
  world.filter = () => true;
  await world.time.settled(answer);
  await world.time.until(() => isReadable);
  assert.equal(one.up.nextOffset, 1);
  await world.stopAll();
});

Deno.test("stop() of a leader waits until its last entries are committed", async () => {
  const world = await ReplicaWorld.found(["a", "b", "c"]);
  const leader = await world.leader();
  const answer = leader.up.propose({
    records: recordsOf(["last"]),
    count: 1,
  });
  await world.stop(leader.id);
  assert.deepEqual(await answer, { offset: 0, count: 1 });
  const replica = await world.open(leader.id);
  assert.deepEqual(valuesOf(replica), ["last"], "known to be committed");
  await world.stopAll();
});
