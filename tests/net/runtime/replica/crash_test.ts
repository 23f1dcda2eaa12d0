/**
 * A single voter whose disk fails at each of its operations in turn, and then
 * loses power: what was acknowledged is there, once and in order, and a retry of
 * what was not is safe.
 */
import assert from "node:assert/strict";
import { offset } from "../../../../core/ids.ts";
import { isProglogError } from "../../../../core/errors.ts";
import { founderOf, ReplicaWorld, valuesOf } from "./support/replica_world.ts";

const PRODUCER = 7n;
const VALUES = Array.from({ length: 12 }, (_, n) => `value-${n}`);

interface Run {
  readonly world: ReplicaWorld;
  readonly acknowledged: Map<number, string>;
  isFinished: boolean;
}

/** Founds, produces, trims and stops; ends early where the disk fails. */
async function work(run: Run): Promise<void> {
  const { world, acknowledged } = run;
  const node = world.node("a");
  try {
    await world.open("a");
    await world.bootstrap("a", ["a"]);
    for (const [n, value] of VALUES.entries()) {
      const producer = { id: PRODUCER, sequence: n + 1 };
      const { offset } = await world.produce(node, [value], producer);
      acknowledged.set(offset, value);
    }
    await world.time.settled(node.up.trim(offset(6)));
    await world.stop("a");
    run.isFinished = true;
  } catch (error) {
    if (!isProglogError(error)) throw error;
  }
}

async function recoverAndCheck({ world, acknowledged }: Run): Promise<void> {
  world.crash("a");
  await world.open("a");
  const node = world.node("a");
  await world.time.settled(node.up.bootstrap([founderOf("a")]));
  const before = valuesFrom(node.up.lowestOffset, valuesOf(node.up));
  for (const [offset, value] of acknowledged) {
    if (offset < node.up.lowestOffset) continue;
    assert.equal(before.get(offset), value, `offset ${offset}`);
  }
  const start = Math.max(acknowledged.size, 1);
  for (let sequence = start; sequence <= VALUES.length; sequence++) {
    const producer = { id: PRODUCER, sequence };
    const value = VALUES[sequence - 1] ?? "";
    const answer = await world.produce(node, [value], producer);
    assert.deepEqual(answer, { offset: sequence - 1, count: 1 });
  }
  const values = VALUES.slice(node.up.lowestOffset);
  assert.deepEqual(valuesOf(node.up), values);
  await world.stop("a");
}

function valuesFrom(first: number, values: readonly string[]) {
  return new Map(values.map((value, n) => [first + n, value]));
}

for (const kind of ["write", "sync", "read"] as const) {
  Deno.test(`a replica loses and doubles nothing when any one ${kind} fails and the power after it`, async () => {
    let failedCount = 0;
    for (let nth = 1;; nth++) {
      const world = new ReplicaWorld({ segmentBytesMax: 300, seed: nth });
      const { disk } = world.node("a");
      disk.countedKinds = [kind];
      disk.failOperation = nth;
      const run: Run = { world, acknowledged: new Map(), isFinished: false };
      await work(run);
      if (disk.operationCount < nth) break;
      failedCount += 1;
      await recoverAndCheck(run);
    }
    assert(failedCount > 15, `only ${failedCount} operations`);
  });
}

Deno.test("open() after a power loss in the middle of anything goes on where it was", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const world = await ReplicaWorld.found(["a"], {
      segmentBytesMax: 300,
      seed,
    });
    const run: Run = { world, acknowledged: new Map(), isFinished: false };
    const node = world.node("a");
    for (const [n, value] of VALUES.slice(0, 8).entries()) {
      const producer = { id: PRODUCER, sequence: n + 1 };
      const { offset } = await world.produce(node, [value], producer);
      run.acknowledged.set(offset, value);
    }
    // In flight when the power goes, with as many turns done as the seed says.
    const trimming = node.up.trim(offset(4));
    trimming.catch(() => undefined);
    const producer = { id: PRODUCER, sequence: 9 };
    node.up.propose({
      records: new Uint8Array([0x5a, 0x02, 0x0a, 0x00]),
      count: 1,
      producer,
    }).catch(() => undefined);
    for (let turn = seed % 20; turn > 0; turn--) await Promise.resolve();
    if (seed % 3 === 0) await world.time.run(0);
    world.crash("a");
    await world.open("a");
    const values = valuesFrom(node.up.lowestOffset, valuesOf(node.up));
    for (const [offset, value] of run.acknowledged) {
      if (offset >= node.up.lowestOffset) {
        assert.equal(values.get(offset), value, `seed ${seed}`);
      }
    }
    const answer = await world.produce(node, ["again"], producer);
    assert.deepEqual(answer, { offset: 8, count: 1 }, `seed ${seed}`);
    assert.equal(node.up.nextOffset, 9);
    await world.stop("a");
  }
});
