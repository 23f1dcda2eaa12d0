/** A follower that is behind the start of its leader's log. */
import assert from "node:assert/strict";
import { offset } from "../../../../core/ids.ts";
import { ReplicaWorld, valuesOf } from "./support/replica_world.ts";

const IDS = ["a", "b", "c"];
const PRODUCER = 9n;
const SMALL = {
  segmentBytesMax: 300,
  raft: { snapshotChunkBytesMax: 16, appendBytesMax: 400 },
};

/** A world in which one follower lacks what the others have trimmed away. */
async function leftBehind(options: { readonly firstValues?: string[] } = {}) {
  const world = await ReplicaWorld.found(IDS, SMALL);
  const leader = await world.leader();
  const [behind] = world.followersOf(leader);
  assert(behind);
  if (options.firstValues !== undefined) {
    await world.produce(leader, options.firstValues);
    await world.converge();
  }
  world.cut(behind.id);
  for (let sequence = 1; sequence <= 20; sequence++) {
    const producer = { id: PRODUCER, sequence };
    await world.produce(leader, [`value ${sequence}`], producer);
  }
  await world.time.run(200);
  for (const node of world.nodes.values()) {
    if (node !== behind) await world.time.settled(node.up.trim(offset(12)));
  }
  assert(leader.up.lowestOffset > 6, `starts at ${leader.up.lowestOffset}`);
  return { world, leader, behind };
}

Deno.test("a follower behind the start of the log is reset to it and then fed the log", async () => {
  const { world, leader, behind } = await leftBehind();
  world.heal();
  await world.converge();
  assert(behind.events.some(({ kind }) => kind === "reset"));
  assert.equal(behind.up.lowestOffset, leader.up.lowestOffset);
  assert.deepEqual(valuesOf(behind.up), valuesOf(leader.up));
  await world.stopAll();
});

Deno.test("a follower that was reset knows the producers, also after a restart, and may lead", async () => {
  const { world, behind } = await leftBehind();
  world.heal();
  await world.converge();
  await world.restart(behind.id);
  await world.converge();
  const leader = await world.leader();
  if (leader !== behind) {
    await world.time.settled(leader.up.transferLeadership(behind.id));
    await world.time.until(() => behind.up.isLeader);
  }
  for (const sequence of [3, 20]) {
    const again = { id: PRODUCER, sequence };
    const answer = await world.produce(behind, ["twice?"], again);
    assert.deepEqual(answer, { offset: sequence - 1, count: 1 });
  }
  const next = { id: PRODUCER, sequence: 21 };
  const answer = await world.produce(behind, ["next"], next);
  assert.deepEqual(answer, { offset: 20, count: 1 });
  await world.stopAll();
});

Deno.test("a crash at any disk operation of a reset leaves the old log or the new", async () => {
  let crashedCount = 0;
  for (let nth = 1;; nth += 1) {
    const { world, leader, behind } = await leftBehind();
    world.heal();
    const hasBegun = () => behind.events.some(({ kind }) => kind === "reset");
    behind.disk.operationCount = 0;
    behind.disk.failOperation = nth;
    await world.time.until(() => hasBegun() || behind.failure !== undefined);
    await world.time.run(100);
    if (behind.failure === undefined) {
      await world.stopAll();
      break;
    }
    crashedCount += 1;
    await world.restart(behind.id);
    await world.converge();
    assert.deepEqual(valuesOf(behind.up), valuesOf(leader.up), `${nth}`);
    await world.stopAll();
  }
  assert(crashedCount > 10, `only ${crashedCount} operations`);
});

Deno.test("a follower without room for the new beginning keeps the old, and begins anew when there is room", async () => {
  const { world, leader, behind } = await leftBehind();
  for (const spareBytes of [0, 200]) {
    behind.disk.capacityBytes = 0;
    const usedBytes = -behind.disk.freeBytes("/");
    behind.disk.capacityBytes = usedBytes + spareBytes;
    world.heal();
    await world.time.run(3_000);
    assert.equal(behind.failure, undefined);
    assert.equal(behind.up.lowestOffset, 0);
  }
  behind.disk.capacityBytes = Infinity;
  await world.converge();
  assert.deepEqual(valuesOf(behind.up), valuesOf(leader.up));
  await world.stopAll();
});

Deno.test("whenReadable() does not resolve while a reset keeps everything from being read", async () => {
  const { world, behind } = await leftBehind({ firstValues: ["x", "y"] });
  assert.equal(behind.up.nextOffset, 2);
  behind.disk.capacityBytes = 0;
  behind.disk.capacityBytes = -behind.disk.freeBytes("/");
  world.heal();
  await world.time.run(1_500);
  const request = {
    offset: offset(0),
    bytesMax: 100,
    offsetEnd: offset(2),
    headroomBytes: 0,
  };
  assert.equal(behind.up.read(request), undefined);
  let isReadable = false;
  const { signal } = new AbortController();
  const waiting = behind.up.whenReadable(offset(0), signal).then(() => {
    isReadable = true;
  });
  await world.time.run(1_500);
  assert.equal(isReadable, false);
  behind.disk.capacityBytes = Infinity;
  await world.converge();
  await waiting;
  assert(behind.up.lowestOffset > 0);
  await world.stopAll();
});

Deno.test("stop() in a reset that waits for room ends, and the next start finishes it", async () => {
  const { world, leader, behind } = await leftBehind();
  behind.disk.capacityBytes = 0;
  behind.disk.capacityBytes = -behind.disk.freeBytes("/");
  world.heal();
  await world.time.run(1_500);
  await world.stop(behind.id);
  behind.disk.capacityBytes = Infinity;
  await world.open(behind.id);
  await world.converge();
  assert.deepEqual(valuesOf(behind.up), valuesOf(leader.up));
  await world.stopAll();
});

Deno.test("trim() keeps what is not committed, and survives a restart", async () => {
  const world = await ReplicaWorld.found(["a"], SMALL);
  const a = await world.leader();
  for (let n = 0; n < 20; n++) await world.produce(a, [`value ${n}`]);
  const bytes = await world.time.settled(a.up.trim(offset(1_000)));
  assert(bytes > 0);
  const { lowestOffset } = a.up;
  assert(lowestOffset > 10 && lowestOffset < 20);
  const values = valuesOf(a.up);
  await world.restart("a");
  assert.equal(a.up.lowestOffset, lowestOffset);
  assert.deepEqual(valuesOf(a.up), values);
  await world.stopAll();
});
