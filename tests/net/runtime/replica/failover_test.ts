/** What becomes of proposals when leaders change. */
import assert from "node:assert/strict";
import { isProglogError } from "../../../../core/errors.ts";
import { recordsOf, ReplicaWorld, valuesOf } from "./support/replica_world.ts";

const IDS = ["a", "b", "c"];
const PRODUCER = 3n;

Deno.test("propose() of the same sequence at the next leader finds the entry that was not yet committed", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  const one = { id: PRODUCER, sequence: 1 };
  await world.produce(leader, ["one"], one);
  await world.converge();
  world.filter = ({ kind }) => kind !== "append_accepted";
  const two = { id: PRODUCER, sequence: 2 };
  const lost = leader.up.propose({
    records: recordsOf(["two"]),
    count: 1,
    producer: two,
  });
  lost.catch(() => undefined);
  await world.time.run(20);
  world.crash(leader.id);
  world.filter = () => true;
  const others = world.followersOf(leader).map(({ id }) => id);
  await world.time.until(() =>
    others.some((id) => world.node(id).replica?.isLeader)
  );
  const next = others.map((id) => world.node(id)).find((it) => it.up.isLeader);
  assert(next);
  // Asked before the new leader has committed anything of its own term.
  assert.deepEqual(await world.produce(next, ["two"], two), {
    offset: 1,
    count: 1,
  });
  assert.deepEqual(await world.produce(next, ["one"], one), {
    offset: 0,
    count: 1,
  });
  await world.open(leader.id);
  await world.converge();
  for (const node of world.nodes.values()) {
    assert.deepEqual(valuesOf(node.up), ["one", "two"]);
  }
  await world.stopAll();
});

Deno.test("propose() of an entry that another leader's takes the place of ends as not appended", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  await world.produce(leader, ["first"]);
  await world.converge();
  world.cut(leader.id);
  const lost = leader.up.propose({ records: recordsOf(["lost"]), count: 1 });
  const outcome = lost.then(() => "accepted", (error) => error);
  const others = world.followersOf(leader).map(({ id }) => id);
  const next = await world.leader(others);
  await world.produce(next, ["kept"]);
  world.heal();
  const error = await world.time.settled(outcome);
  assert(isProglogError(error));
  assert.equal(error.code, "not_leader");
  assert.equal(error.details.outcome, "not_appended");
  await world.converge();
  assert(leader.events.some(({ kind }) => kind === "truncated"));
  for (const node of world.nodes.values()) {
    assert.deepEqual(valuesOf(node.up), ["first", "kept"]);
  }
  await world.stopAll();
});

Deno.test("propose() is answered by a deposed leader that learns of the commit in time", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  await world.converge();
  const [successor] = world.followersOf(leader);
  assert(successor);
  // The followers have it; the leader does not learn so before it is deposed.
  world.filter = ({ kind, to }) =>
    kind !== "append_accepted" || to !== leader.id;
  const answer = leader.up.propose({ records: recordsOf(["x"]), count: 1 });
  await world.time.run(10);
  world.filter = () => true;
  await world.time.settled(leader.up.transferLeadership(successor.id));
  assert.deepEqual(await world.time.settled(answer), { offset: 0, count: 1 });
  await world.time.until(() => successor.up.isLeader);
  await world.converge();
  assert.deepEqual(valuesOf(successor.up), ["x"]);
  await world.stopAll();
});

Deno.test("propose() without a quorum ends with an unknown outcome", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  world.cut(leader.id);
  const lost = leader.up.propose({ records: recordsOf(["x"]), count: 1 });
  await assert.rejects(world.time.settled(lost), {
    code: "unavailable",
    details: { outcome: "unknown" },
  });
  assert.equal(leader.up.isLeader, false, "check-quorum");
  world.heal();
  await world.leader();
  await world.stopAll();
});

Deno.test("propose() under a producer never doubles, whichever leader dies when", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const world = await ReplicaWorld.found(IDS, { seed });
    for (let sequence = 1; sequence <= 6; sequence++) {
      const producer = { id: PRODUCER, sequence };
      const leader = await world.leader();
      const first = leader.up.propose({
        records: recordsOf([`v${sequence}`]),
        count: 1,
        producer,
      });
      first.catch(() => undefined);
      await world.time.run((seed * sequence) % 5);
      await world.restart(leader.id);
      const next = await world.leader();
      const answer = await world.produce(next, [`v${sequence}`], producer);
      assert.deepEqual(answer, { offset: sequence - 1, count: 1 });
    }
    await world.converge();
    for (const node of world.nodes.values()) {
      assert.deepEqual(
        valuesOf(node.up),
        ["v1", "v2", "v3", "v4", "v5", "v6"],
        `seed ${seed}`,
      );
    }
    await world.stopAll();
  }
});

Deno.test("propose() to a leader that was replaced unawares does not refuse the order for good", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  const others = world.followersOf(leader).map(({ id }) => id);
  const one = { id: PRODUCER, sequence: 1 };
  await world.produce(leader, ["v1"], one);
  await world.converge();
  world.cut(leader.id);
  await world.time.run(400);
  assert.equal(leader.up.isLeader, true);
  // It has heard nothing of what the others may have done by now.
  const skipping = leader.up.propose({
    records: recordsOf(["v3"]),
    count: 1,
    producer: { id: PRODUCER, sequence: 3 },
  });
  const outcome = skipping.then(() => "accepted", (error) => error);
  const next = await world.leader(others);
  await world.produce(next, ["v2"], { id: PRODUCER, sequence: 2 });
  world.heal();
  const error = await world.time.settled(outcome);
  assert(isProglogError(error, "not_leader"), String(error));
  await world.stopAll();
});

Deno.test("propose() that skips a sequence is refused by a leader that is one", async () => {
  const world = await ReplicaWorld.found(IDS);
  const leader = await world.leader();
  await world.produce(leader, ["v1"], { id: PRODUCER, sequence: 1 });
  for (
    const producer of [{ id: PRODUCER, sequence: 3 }, { id: 8n, sequence: 2 }]
  ) {
    await assert.rejects(world.produce(leader, ["x"], producer), {
      code: "out_of_order",
    });
  }
  await world.stopAll();
});
