/** A leader that is about to stop, and who takes its place. */
import assert from "node:assert/strict";
import { isProglogError } from "../../../../core/errors.ts";
import type { Message } from "../../../../core/raft/messages.ts";
import {
  recordsOf,
  ReplicaWorld,
  valuesOf,
  type WorldNode,
} from "./support/replica_world.ts";

const IDS = ["a", "b", "c"];
const ELECTION_TIMEOUT_MS = 500;

async function settledLeader(world: ReplicaWorld): Promise<WorldNode> {
  const leader = await world.leader();
  await world.produce(leader, ["first"]);
  await world.converge();
  await world.time.run(300);
  return leader;
}

/** One proposal each millisecond; what became of each, in order. */
async function proposeWhile(
  world: ReplicaWorld,
  leader: WorldNode,
  work: Promise<unknown>,
): Promise<string[]> {
  const outcomes: Promise<string>[] = [];
  let isDone = false;
  work.finally(() => isDone = true);
  while (!isDone) {
    const value = `v${outcomes.length}`;
    const answer = leader.up.propose({ records: recordsOf([value]), count: 1 });
    outcomes.push(answer.then(() => value, codeOf));
    await world.time.run(1);
  }
  return await world.time.settled(Promise.all(outcomes));
}

function codeOf(error: unknown): string {
  if (!isProglogError(error)) throw error;
  return error.code;
}

Deno.test("handOver() under load takes no election timeout, and every answer is true", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await settledLeader(world);
  const fromMs = world.time.monotonicMs();
  const handing = leader.up.handOver();
  const outcomes = await proposeWhile(world, leader, handing);
  assert.equal(await handing, "handed_over");
  assert(world.time.monotonicMs() - fromMs < 50);
  const next = await world.leader();
  assert.notEqual(next, leader);
  const accepted = outcomes.filter((outcome) => outcome.startsWith("v"));
  const refused = new Set(outcomes.filter((it) => !it.startsWith("v")));
  assert(accepted.length > 0, "what was in flight is committed by the next");
  assert.deepEqual([...refused], ["not_leader"], "and the rest not appended");
  await world.converge();
  for (const node of world.nodes.values()) {
    assert.deepEqual(valuesOf(node.up), ["first", ...accepted]);
  }
  await world.stopAll();
});

Deno.test("handOver() prefers the voter with the longest log, and none to avoid", async () => {
  for (const isAvoided of [false, true]) {
    const world = await ReplicaWorld.found(IDS);
    const leader = await settledLeader(world);
    const [behind, ahead] = world.followersOf(leader);
    assert(behind && ahead);
    world.filter = ({ kind, to }) => kind !== "append" || to !== behind.id;
    await world.produce(leader, ["x"]);
    const asked: string[] = [];
    world.filter = noting(asked);
    const avoid = new Set(isAvoided ? [ahead.id] : []);
    const outcome = await world.time.settled(leader.up.handOver(avoid));
    assert.equal(outcome, "handed_over");
    assert.deepEqual(asked, [isAvoided ? behind.id : ahead.id]);
    await world.stopAll();
  }
});

function noting(asked: string[]) {
  return ({ kind, to }: Message): boolean => {
    if (kind === "timeout_now") asked.push(to);
    return true;
  };
}

Deno.test("handOver() goes on to the next voter where one does not take over", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await settledLeader(world);
  const asked: string[] = [];
  world.filter = ({ kind, to }) => {
    if (kind !== "timeout_now") return true;
    return asked.push(to) > 1;
  };
  const fromMs = world.time.monotonicMs();
  const outcome = await world.time.settled(leader.up.handOver());
  assert.equal(outcome, "handed_over");
  assert.equal(new Set(asked).size, 2);
  assert(world.time.monotonicMs() - fromMs < 1.5 * ELECTION_TIMEOUT_MS);
  await world.stopAll();
});

Deno.test("handOver() that nobody takes ends in two election timeouts, and the leader serves on", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await settledLeader(world);
  world.filter = ({ kind }) => kind !== "timeout_now";
  const fromMs = world.time.monotonicMs();
  const handing = leader.up.handOver();
  const outcomes = await proposeWhile(world, leader, handing);
  assert.equal(await handing, "timed_out");
  assert(world.time.monotonicMs() - fromMs <= 2 * ELECTION_TIMEOUT_MS + 5);
  assert(outcomes.every((outcome) => outcome.startsWith("v")));
  assert.equal(leader.up.isLeader, true);
  await world.stopAll();
});

Deno.test("handOver() does not wait where nobody could take over", async () => {
  const alone = await ReplicaWorld.found(["a"]);
  const a = await alone.leader();
  const fromMs = alone.time.monotonicMs();
  assert.equal(await a.up.handOver(), "nobody");
  assert.equal(alone.time.monotonicMs(), fromMs);
  assert.deepEqual(await alone.produce(a, ["x"]), { offset: 0, count: 1 });
  await alone.stopAll();

  const world = await ReplicaWorld.found(IDS);
  const leader = await settledLeader(world);
  for (const { id } of world.followersOf(leader)) {
    world.crash(id);
    leader.up.unreachable(id);
  }
  await world.time.run(0);
  const beforeMs = world.time.monotonicMs();
  assert.equal(await leader.up.handOver(), "nobody", "their links broke");
  assert.equal(world.time.monotonicMs(), beforeMs);
  await world.time.run(3 * ELECTION_TIMEOUT_MS);
  assert.equal(await leader.up.handOver(), "not_leader");
  await world.stopAll();
});

Deno.test("handOver() of a follower: it does not campaign any more", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await settledLeader(world);
  const [gone, kept] = world.followersOf(leader);
  assert(gone && kept);
  assert.equal(await world.time.settled(gone.up.handOver()), "not_leader");
  const from = gone.events.length;
  world.crash(leader.id);
  assert.equal(await world.leader([gone.id, kept.id]), kept);
  const roles = gone.events.slice(from).filter(({ kind }) =>
    kind === "role_changed"
  );
  assert.deepEqual(roles, []);
  await world.stopAll();
});
