/** What becomes of all that waits when a replica stops. */
import assert from "node:assert/strict";
import { offset } from "../../../../core/ids.ts";
import { type ErrorDetails, isProglogError } from "../../../../core/errors.ts";
import type { Replica } from "../../../../net/runtime/replica/replica.ts";
import {
  founderOf,
  NEVER_ABORTED,
  recordsOf,
  ReplicaWorld,
} from "./support/replica_world.ts";

const IDS = ["a", "b", "c"];
/** Longer than a stop: a leader that is cut off remains one. */
const ELECTION_TIMEOUT_MS = 20_000;

function propose(replica: Replica, sequence?: number) {
  const proposal = { records: recordsOf(["x"]), count: 1 };
  return replica.propose(
    sequence === undefined
      ? proposal
      : { ...proposal, producer: { id: 7n, sequence } },
  );
}

async function assertUnavailable(
  what: string,
  promise: Promise<unknown>,
  details?: ErrorDetails,
) {
  await assert.rejects(promise, {
    code: "unavailable",
    ...(details && { details }),
  }, what);
}

/** A leader that has committed and hears nobody any more. */
async function lonelyLeader() {
  const world = await ReplicaWorld.found(IDS, {
    raft: { electionTimeoutMs: ELECTION_TIMEOUT_MS, uncommittedBytesMax: 1 },
  });
  await world.time.until(
    () => [...world.nodes.values()].some(({ replica }) => replica?.isLeader),
    3 * ELECTION_TIMEOUT_MS,
  );
  const leader = await world.leader();
  await world.produce(leader, ["first"]);
  world.cut(leader.id);
  return { world, leader };
}

Deno.test("stop() refuses everything that is queued or waits", async () => {
  const { world, leader } = await lonelyLeader();
  const { up } = leader;
  const outcome = { outcome: "unknown" };
  const notDone = { outcome: "not_appended" };
  const written = propose(up);
  await world.time.run(10);
  // There is no room for it beside the one that is not committed.
  const queued = propose(up);
  const skipping = propose(up, 3);
  const barrier = up.readBarrier("linearizable");
  const reader = up.whenReadable(offset(99), NEVER_ABORTED);
  const checks = Promise.all([
    assertUnavailable("written", written, outcome),
    assertUnavailable("queued", queued, notDone),
    assertUnavailable("out of order", skipping, notDone),
    assertUnavailable("barrier", barrier),
    assertUnavailable("reader", reader),
  ]);
  const change = up.addLearner(founderOf("d"));
  const transfer = up.transferLeadership("nobody");
  await world.time.run(10);
  await world.time.settled(up.stop());
  await world.time.settled(checks);
  assert.deepEqual(await change, { ok: false, reason: "unknown" });
  assert.deepEqual(await transfer, { ok: false, reason: "not_a_voter" });
  leader.replica = undefined;
  await world.stopAll();
});

Deno.test("stop() refuses what is asked in the same moment and later", async () => {
  const { world, leader } = await lonelyLeader();
  const { up } = leader;
  const askAll = () => [
    assertUnavailable("propose", propose(up)),
    assertUnavailable("barrier", up.readBarrier("linearizable")),
    assertUnavailable("reader", up.whenReadable(offset(99), NEVER_ABORTED)),
    assertUnavailable("change", up.remove("b")),
    assertUnavailable("transfer", up.transferLeadership("b")),
    assertUnavailable("hand over", up.handOver()),
    assertUnavailable("trim", up.trim(offset(1))),
    assertUnavailable("bootstrap", up.bootstrap([founderOf("a")])),
  ];
  const stopping = up.stop();
  const during = askAll();
  await world.time.settled(stopping);
  await Promise.all([...during, ...askAll()]);
  assert.equal(up.stop(), stopping, "once is enough");
  leader.replica = undefined;
  await world.stopAll();
});

Deno.test("stop() while a trim waits for a reset without room ends both", async () => {
  const world = await ReplicaWorld.found(IDS, { segmentBytesMax: 300 });
  const leader = await world.leader();
  const [behind] = world.followersOf(leader);
  assert(behind);
  await world.converge();
  world.cut(behind.id);
  for (let n = 0; n < 12; n++) await world.produce(leader, [`v${n}`]);
  await world.time.settled(leader.up.trim(offset(9)));
  behind.disk.capacityBytes = 0;
  behind.disk.capacityBytes = -behind.disk.freeBytes("/");
  world.heal();
  await world.time.run(3_000);
  const trimming = assertUnavailable("trim", behind.up.trim(offset(1)))
    .catch((error) => error);
  const fromMs = world.time.monotonicMs();
  await world.stop(behind.id);
  await world.time.settled(trimming);
  assert(world.time.monotonicMs() - fromMs < 1_500);
  await world.stopAll();
});

Deno.test("stop() tells of a sync that failed while it settled", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  await world.produce(a, ["x"]);
  a.disk.countedKinds = ["sync"];
  a.disk.operationCount = 0;
  a.disk.failOperation = 1;
  const answer = assertUnavailable("propose", propose(a.up));
  await assert.rejects(world.time.settled(a.up.stop()), {
    code: "disk_failed",
  });
  await answer;
  assert.equal(a.failure, undefined);
});

function codeOf(error: unknown): string {
  const cause = isProglogError(error, "unavailable") ? error.cause : error;
  if (!isProglogError(cause)) throw error;
  return cause.code;
}

Deno.test("open() that fails gives up the directory", async () => {
  const world = await ReplicaWorld.found(["a"]);
  await world.leader();
  await world.stop("a");
  const { disk } = world.node("a");
  disk.countedKinds = ["sync"];
  let failedCount = 0;
  for (let nth = 1; nth <= 20; nth++) {
    disk.operationCount = 0;
    disk.failOperation = nth;
    const code = await world.open("a").then(() => "open", codeOf);
    // The second copy of a vote: it is told to the next one who votes.
    if (code === "open") break;
    assert.equal(code, "disk_failed");
    failedCount += 1;
    assert.equal(disk.openFiles, 0, `after the failure of sync ${nth}`);
    disk.kill();
  }
  assert(failedCount > 2, `${failedCount} syncs failed`);
});
