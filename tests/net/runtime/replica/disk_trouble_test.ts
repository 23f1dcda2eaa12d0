/** Disks that are full, fail or stall. */
import assert from "node:assert/strict";
import { offset } from "../../../../core/ids.ts";
import { isProglogError, ProglogError } from "../../../../core/errors.ts";
import { BATCH_BYTES_TARGET } from "../../../../core/limits.ts";
import { ReplicaWorld, valuesOf } from "./support/replica_world.ts";

const IDS = ["a", "b", "c"];
const BIG = "x".repeat(2_000);

function fill(
  disk: { capacityBytes: number; freeBytes(path: string): number },
) {
  disk.capacityBytes = 0;
  disk.capacityBytes = -disk.freeBytes("/") + 100;
}

Deno.test("a single voter with a full disk refuses, can be read, and recovers by itself", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  await world.produce(a, ["before"]);
  fill(a.disk);
  await assert.rejects(world.produce(a, [BIG]), { code: "disk_full" });
  assert.match(a.up.facts.appendBlocked, /full/);
  assert.deepEqual(valuesOf(a.up), ["before"]);
  await world.time.run(3_000);
  await assert.rejects(world.produce(a, ["x"]), { code: "disk_full" });
  a.disk.capacityBytes = Infinity;
  await world.leader();
  assert.equal(a.up.facts.appendBlocked, "");
  assert.deepEqual(await world.produce(a, [BIG]), { offset: 1, count: 1 });
  assert.equal(a.failure, undefined);
  await world.stopAll();
});

Deno.test("a single voter whose disk gets full acknowledges what it has written", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  const synced = Promise.withResolvers<void>();
  a.disk.beforeSync = () => synced.promise;
  const written = world.produce(a, ["fits"]);
  await world.time.run(0);
  fill(a.disk);
  // A full batch goes to the disk while that syncs.
  const refused = assert.rejects(
    world.produce(a, ["y".repeat(BATCH_BYTES_TARGET)]),
    { code: "disk_full" },
  );
  await world.time.run(100);
  synced.resolve();
  await refused;
  assert.deepEqual(await written, { offset: 0, count: 1 });
  a.disk.capacityBytes = Infinity;
  await world.leader();
  assert.deepEqual(await world.produce(a, ["x"]), { offset: 1, count: 1 });
  await world.stopAll();
});

Deno.test("of two entries in one write, the one that fits is acknowledged", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  const entry = "y".repeat(BATCH_BYTES_TARGET);
  a.disk.capacityBytes = 0;
  a.disk.capacityBytes = 1.5 * BATCH_BYTES_TARGET - a.disk.freeBytes("/");
  const [first, second] = [[entry], [entry]].map((it) => world.produce(a, it));
  await assert.rejects(second ?? Promise.resolve(), { code: "disk_full" });
  assert.deepEqual(await first, { offset: 0, count: 1 });
  await world.stopAll();
});

Deno.test("readBarrier() of a single voter with a full disk answers only where it knows all", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  await world.produce(a, ["x"]);
  fill(a.disk);
  await assert.rejects(world.produce(a, [BIG]), { code: "disk_full" });
  await world.time.settled(a.up.readBarrier("linearizable"));
  assert.deepEqual(valuesOf(a.up), ["x"]);
  // It cannot know now that the record in its log was acknowledged.
  a.disk.capacityBytes -= 100;
  await world.restart("a");
  assert.equal(a.up.nextOffset, 0);
  await assert.rejects(
    world.time.settled(a.up.readBarrier("linearizable")),
    { code: "unavailable" },
  );
  a.disk.capacityBytes = Infinity;
  await world.time.settled(a.up.readBarrier("linearizable"));
  assert.deepEqual(valuesOf(a.up), ["x"]);
  await world.stopAll();
});

Deno.test("a leader with a full disk hands over, and follows again when there is room", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  await world.produce(leader, ["before"]);
  fill(leader.disk);
  await assert.rejects(world.produce(leader, [BIG]), { code: "disk_full" });
  const others = world.followersOf(leader).map(({ id }) => id);
  const next = await world.leader(others);
  await world.produce(next, [BIG]);
  await world.produce(next, ["after"]);
  await world.time.run(2_000);
  assert.equal(leader.up.status().role, "follower");
  assert.equal(leader.up.nextOffset, 1, "it has no room for the next");
  leader.disk.capacityBytes = Infinity;
  await world.converge();
  assert.deepEqual(valuesOf(leader.up), ["before", BIG, "after"]);
  assert.equal(leader.failure, undefined);
  await world.stopAll();
});

Deno.test("a follower with a full disk does not acknowledge, and catches up when there is room", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  const [full] = world.followersOf(leader);
  assert(full);
  fill(full.disk);
  for (let n = 0; n < 5; n++) await world.produce(leader, [BIG]);
  await world.time.run(500);
  assert.match(full.up.facts.appendBlocked, /full/);
  const lag = leader.up.status().followers.find(({ id }) => id === full.id);
  assert.equal(lag?.lagRecords, 5);
  full.disk.capacityBytes = Infinity;
  await world.converge();
  assert.equal(full.up.facts.appendBlocked, "");
  assert.deepEqual(valuesOf(full.up), valuesOf(leader.up));
  await world.stopAll();
});

Deno.test("bootstrap() on a full disk is refused, and works when there is room", async () => {
  const world = new ReplicaWorld();
  await world.open("a");
  const { disk, up } = world.node("a");
  disk.capacityBytes = 0;
  disk.capacityBytes = -disk.freeBytes("/");
  await assert.rejects(world.bootstrap("a", ["a"]), { code: "disk_full" });
  disk.capacityBytes = Infinity;
  await world.bootstrap("a", ["a"]);
  assert.equal(up.isLeader, true);
  await world.stopAll();
});

Deno.test("a failed sync ends the replica, and nothing more is acknowledged", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  await world.produce(leader, ["before"]);
  leader.disk.countedKinds = ["sync"];
  leader.disk.operationCount = 0;
  leader.disk.failOperation = 1;
  await assert.rejects(world.produce(leader, ["x"]), { code: "unavailable" });
  assert.equal((leader.failure as { code?: string })?.code, "disk_failed");
  await assert.rejects(world.produce(leader, ["y"]), { code: "unavailable" });
  const others = world.followersOf(leader).map(({ id }) => id);
  const next = await world.leader(others);
  await world.produce(next, ["after"]);
  await world.restart(leader.id);
  await world.converge();
  assert.deepEqual(valuesOf(leader.up), valuesOf(next.up));
  await world.stopAll();
});

Deno.test("a leader whose disk stalls hands leadership over", async () => {
  const world = await ReplicaWorld.found(IDS, {
    raft: { diskStallMaxMs: 1_000 },
  });
  const leader = await world.leader();
  let release = () => {};
  leader.disk.beforeSync = () =>
    new Promise((resolve) => {
      const before = release;
      release = () => {
        before();
        resolve();
      };
    });
  await world.produce(leader, ["on the others"]);
  const others = world.followersOf(leader).map(({ id }) => id);
  const next = await world.leader(others);
  assert.notEqual(next, leader);
  leader.disk.beforeSync = () => Promise.resolve();
  release();
  await world.produce(next, ["after"]);
  await world.converge();
  assert.deepEqual(valuesOf(leader.up), ["on the others", "after"]);
  await world.stopAll();
});

Deno.test("a sync that fails for a checkpoint ends the node as that of a write does", async () => {
  const world = await ReplicaWorld.found(["a"], {
    fsync: { kind: "never" },
    checkpointBytes: 1_000,
  });
  const a = await world.leader();
  // Nothing else syncs now.
  a.disk.countedKinds = ["sync"];
  a.disk.operationCount = 0;
  a.disk.failOperation = 1;
  await world.produce(a, [BIG]);
  await world.time.run(0);
  assert.equal(a.disk.operationCount, 1);
  assert(isProglogError(a.failure, "disk_failed"), String(a.failure));
  await assert.rejects(world.produce(a, ["x"]), { code: "unavailable" });
  world.crash("a");
});

Deno.test("a checkpoint without room is left, and written when there is some", async () => {
  const world = await ReplicaWorld.found(["a"], { checkpointBytes: 1_000 });
  const a = await world.leader();
  a.disk.beforeSync = () => {
    fill(a.disk);
    a.disk.capacityBytes -= 100;
    return Promise.resolve();
  };
  await world.produce(a, [BIG]);
  await world.time.run(0);
  a.disk.beforeSync = () => Promise.resolve();
  a.disk.capacityBytes = Infinity;
  const path = "/data/default/checkpoint";
  assert.equal(a.disk.exists(path), false);
  assert.equal(a.failure, undefined);
  await world.produce(a, [BIG]);
  await world.time.run(0);
  assert.equal(a.disk.exists(path), true);
  await world.stopAll();
});

Deno.test("a trim that fails ends the node, also where an operator asked for it", async () => {
  let failedCount = 0;
  for (let nth = 1;; nth++) {
    const world = await ReplicaWorld.found(["a"], { segmentBytesMax: 300 });
    const a = await world.leader();
    for (let n = 0; n < 12; n++) await world.produce(a, [`v${n}`]);
    a.disk.countedKinds = ["sync"];
    a.disk.operationCount = 0;
    a.disk.failOperation = nth;
    const trimming = world.time.settled(a.up.trim(offset(8)));
    const isRefused = await trimming.then(() => false, () => true);
    if (!isRefused) break;
    await world.time.run(0);
    assert(isProglogError(a.failure, "disk_failed"), String(a.failure));
    failedCount += 1;
    world.crash("a");
  }
  assert(failedCount > 2, `${failedCount} syncs failed`);
});

Deno.test("a full disk that does not say how much room it has is asked again, and told once", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  fill(a.disk);
  await assert.rejects(world.produce(a, [BIG]), { code: "disk_full" });
  a.disk.capacityBytes = Infinity;
  const freeBytes = a.disk.freeBytes.bind(a.disk);
  a.disk.freeBytes = () => {
    throw new ProglogError("disk_failed", "Cannot read free space");
  };
  await world.time.run(3_000);
  await assert.rejects(world.produce(a, ["x"]), { code: "disk_full" });
  assert.deepEqual(a.notices, [
    "nothing is appended: the free space is not known",
  ]);
  a.disk.freeBytes = freeBytes;
  await world.leader();
  assert.deepEqual(await world.produce(a, ["x"]), { offset: 0, count: 1 });
  assert.equal(a.failure, undefined);
  await world.stopAll();
});

Deno.test("a bug in a timer ends the replica with its cause", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  fill(a.disk);
  await assert.rejects(world.produce(a, [BIG]), { code: "disk_full" });
  const bug = new TypeError("not a number");
  a.disk.freeBytes = () => {
    throw bug;
  };
  await world.time.run(3_000);
  assert.equal(a.failure, bug);
  await assert.rejects(world.produce(a, ["x"]), { code: "unavailable" });
  world.crash("a");
});
