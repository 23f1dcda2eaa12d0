/** `--fsync interval:MS`: what a power loss may take, and what not. */
import assert from "node:assert/strict";
import {
  founderOf,
  ReplicaWorld,
  type WorldNode,
} from "./support/replica_world.ts";

const IDS = ["a", "b", "c"];
const INTERVAL_MS = 50;
/** Whatever was not synced is gone. */
const TAKES_ALL = { nextU32: () => 0 };

async function found() {
  const world = await ReplicaWorld.found(IDS, {
    fsync: { kind: "interval", intervalMs: INTERVAL_MS },
  });
  const leader = await world.leader();
  await world.produce(leader, ["first"]);
  await world.converge();
  await world.time.run(2 * INTERVAL_MS);
  return { world, leader };
}

/** Nobody writes; then all lose their power, and have everything. */
async function assertDurable(world: ReplicaWorld) {
  const nodes = [...world.nodes.values()];
  const before = nodes.map(lastIndexOf);
  await world.time.run(INTERVAL_MS + 5);
  assert.deepEqual(nodes.map(lastIndexOf), before, "nothing more was written");
  for (const { id } of nodes) world.crash(id, TAKES_ALL);
  for (const { id } of nodes) await world.open(id);
  assert.deepEqual(nodes.map(lastIndexOf), before);
  await world.stopAll();
}

function lastIndexOf({ up }: WorldNode): number {
  return up.status().lastIndex;
}

Deno.test("an interval syncs what an election wrote, without any write of a client", async () => {
  const { world, leader } = await found();
  const lastIndex = lastIndexOf(leader);
  // One hears of the new term by its first entry: both are one write.
  const [unasked] = world.followersOf(leader);
  const avoid = new Set([unasked?.id ?? ""]);
  let isTold = false;
  world.filter = ({ kind, to }) => {
    if (!avoid.has(to)) return true;
    isTold ||= kind === "append";
    return isTold;
  };
  assert.equal(
    await world.time.settled(leader.up.handOver(avoid)),
    "handed_over",
  );
  await world.leader();
  await world.converge();
  assert.equal(lastIndexOf(leader), lastIndex + 1, "the entry of the new term");
  await assertDurable(world);
});

Deno.test("an interval syncs what a change of the members wrote", async () => {
  const { world, leader } = await found();
  await world.open("d");
  const outcome = leader.up.addLearner(founderOf("d"));
  assert.deepEqual(await world.time.settled(outcome), { ok: true });
  const isVoter = () =>
    leader.up.status().configuration.members
      .every(({ role }) => role === "voter");
  await world.time.until(isVoter);
  await world.converge();
  await assertDurable(world);
});

Deno.test("an interval is what a power loss may take, and no more", async () => {
  const { world, leader } = await found();
  await world.produce(leader, ["late"]);
  const lastIndex = lastIndexOf(leader);
  world.crash(leader.id, TAKES_ALL);
  await world.open(leader.id);
  assert.equal(lastIndexOf(leader), lastIndex - 1);
  await world.stopAll();
});
