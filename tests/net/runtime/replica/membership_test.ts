/** Who belongs to the group, and what operators are told of it. */
import assert from "node:assert/strict";
import { founderOf, ReplicaWorld, valuesOf } from "./support/replica_world.ts";

Deno.test("addLearner() feeds a new node, which becomes a voter by itself", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  for (let n = 0; n < 10; n++) await world.produce(a, [`v${n}`]);
  await world.open("b");
  const outcome = await world.time.settled(a.up.addLearner(founderOf("b")));
  assert.deepEqual(outcome, { ok: true });
  const roleOf = (id: string) =>
    a.up.status().configuration.members.find((it) => it.id === id)?.role;
  await world.time.until(() => roleOf("b") === "voter");
  await world.converge();
  assert.deepEqual(valuesOf(world.node("b").up), valuesOf(a.up));
  await world.restart("b");
  await world.converge();
  assert.equal(world.node("b").up.status().configuration.members.length, 2);
  await world.stopAll();
});

Deno.test("remove() of a member that is there takes its vote; of the last voter it is refused", async () => {
  const world = await ReplicaWorld.found(["a", "b", "c"]);
  const leader = await world.leader();
  const [gone, kept] = world.followersOf(leader);
  assert(gone && kept);
  assert.deepEqual(
    await world.time.settled(leader.up.remove(gone.id)),
    { ok: true },
  );
  assert.deepEqual(
    await world.time.settled(leader.up.remove(gone.id)),
    { ok: false, reason: "unknown_member" },
  );
  assert.deepEqual(
    await world.time.settled(leader.up.remove(kept.id)),
    { ok: true },
  );
  assert.deepEqual(
    await world.time.settled(leader.up.remove(leader.id)),
    { ok: false, reason: "last_voter" },
  );
  await world.stopAll();
});

Deno.test("changeMembership() on a follower is refused", async () => {
  const world = await ReplicaWorld.found(["a", "b", "c"]);
  const leader = await world.leader();
  const [follower] = world.followersOf(leader);
  assert(follower);
  assert.deepEqual(
    await world.time.settled(follower.up.remove(leader.id)),
    { ok: false, reason: "not_leader" },
  );
  await world.stopAll();
});

Deno.test("bootstrap() of a replica with a log changes nothing", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  await world.produce(a, ["x"]);
  const again = a.up.bootstrap([founderOf("a"), founderOf("z")]);
  assert.deepEqual(await world.time.settled(again), {
    ok: false,
    reason: "not_empty",
  });
  assert.equal(a.up.status().configuration.members.length, 1);
  await world.stopAll();
});

Deno.test("status() of a leader tells the lag of each follower and what may still fail", async () => {
  const world = await ReplicaWorld.found(["a", "b", "c"]);
  const leader = await world.leader();
  await world.converge();
  assert.equal(leader.up.status().faultToleranceLeft, 1);
  const [down] = world.followersOf(leader);
  assert(down);
  world.cut(down.id);
  await world.produce(leader, ["x", "y"]);
  await world.produce(leader, ["z"]);
  await world.time.run(1_500);
  const status = leader.up.status();
  assert.equal(status.faultToleranceLeft, 0);
  assert.equal(status.role, "leader");
  const follower = status.followers.find(({ id }) => id === down.id);
  assert.equal(follower?.lagRecords, 3);
  assert((follower?.lagMs ?? 0) >= 1_400);
  world.heal();
  const lags = () => leader.up.status().followers.map((it) => it.lagRecords);
  await world.time.until(() => lags().every((lag) => lag === 0));
  await world.stopAll();
});

Deno.test("status() of a leader can be asked where an entry that a follower lacks is damaged", async () => {
  const world = await ReplicaWorld.found(["a", "b", "c"], {
    segmentBytesMax: 300,
  });
  const leader = await world.leader();
  await world.converge();
  const [down] = world.followersOf(leader);
  assert(down);
  world.crash(down.id);
  for (let n = 0; n < 12; n++) await world.produce(leader, [`v${n}`]);
  const { disk } = leader;
  for (const path of disk.paths().filter((it) => it.endsWith(".segment"))) {
    disk.put(path, disk.contentOf(path).fill(0xff, 64));
  }
  const { followers, lastIndex } = leader.up.status();
  const follower = followers.find(({ id }) => id === down.id);
  assert.equal(follower?.lagRecords, lastIndex - (follower?.matchIndex ?? 0));
  world.crash(leader.id);
});
