/** Membership that is looked after whatever happens, or ends the node. */
import assert from "node:assert/strict";
import { ProglogError } from "../../../../core/errors.ts";
import { ReconcileLoop } from "../../../../net/agent/cluster/reconcile_loop.ts";
import type { Host } from "../../../../net/agent/host.ts";
import type { Replica } from "../../../../net/runtime/replica/replica.ts";
import { simLogger } from "../../../sim/node/sim_logger.ts";
import { VirtualTime } from "../../../support/virtual_time.ts";

const STATUS = {
  id: "a",
  role: "follower",
  configuration: { members: [] },
  configurationIndex: 0,
  commitIndex: 0,
  followers: [],
};

function newLoop() {
  const time = new VirtualTime();
  const logged: string[] = [];
  const failures: unknown[] = [];
  const world = { error: undefined as Error | undefined, askedCount: 0 };
  const replica = {
    status: () => {
      world.askedCount += 1;
      if (world.error !== undefined) throw world.error;
      return STATUS;
    },
  };
  const host = {
    clock: time,
    scheduler: time,
    logger: simLogger((message) => logged.push(message)),
    fail: (cause: unknown) => failures.push(cause),
  };
  const loop = new ReconcileLoop({
    host: host as unknown as Host,
    replica: replica as unknown as Replica,
    members: () => [],
    clusterId: () => "c",
    failedReapMs: undefined,
  });
  return { time, logged, failures, world, loop };
}

Deno.test("ReconcileLoop tells once of what it cannot read, and goes on", async () => {
  const { time, logged, failures, world, loop } = newLoop();
  loop.start();
  const told = ["cannot look after the members now"];
  world.error = new ProglogError("disk_failed", "Cannot read the log");
  await time.run(5_500);
  loop.wake();
  assert.equal(world.askedCount, 6, "once a second, and when it is woken");
  assert.deepEqual(logged, told);
  world.error = undefined;
  await time.run(1_000);
  assert.deepEqual(logged, told);
  world.error = new ProglogError("disk_failed", "Cannot read the log");
  await time.run(1_000);
  assert.deepEqual(logged, [...told, ...told], "it was well in between");
  assert.deepEqual(failures, []);
  loop.stop();
});

Deno.test("ReconcileLoop ends the node for a bug", async () => {
  const { time, failures, world, loop } = newLoop();
  loop.start();
  world.error = new TypeError("no function");
  await time.run(1_000);
  assert.deepEqual(failures, [world.error]);
  loop.stop();
});
