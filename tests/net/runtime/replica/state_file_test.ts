/** Term, vote and identity on a disk that tears and rots. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { isProglogError } from "../../../../core/errors.ts";
import { logIndex, type Term, term } from "../../../../core/ids.ts";
import {
  StateFile,
  type StoredState,
} from "../../../../net/runtime/replica/state_file.ts";
import { MemoryDisk } from "../../../support/memory_disk.ts";
import { seededRandom } from "../../../support/seeded_random.ts";
import { ReplicaWorld } from "./support/replica_world.ts";

const DIRECTORY = "/data";
const PATH = `${DIRECTORY}/state`;
const FILE_BYTES = 12_288;

async function newFile() {
  const disk = new MemoryDisk();
  disk.makeDirectory(DIRECTORY);
  await StateFile.create(disk, { directory: DIRECTORY, nodeId: "node-1" });
  return { disk, file: await StateFile.open(disk, DIRECTORY) };
}

const SYNC_MS = 5;
/** Whatever was not synced is gone. */
const TAKES_ALL = { nextU32: () => 0 };

function nextTerm(current: Term): Term {
  return term(current + 1);
}

function vote(number: number) {
  return { term: term(number), votedFor: `candidate-${number}` };
}

Deno.test("read() gives what save() made durable, whatever the next save() leaves", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const { disk, file } = await newFile();
    await file.save(vote(1));
    let saved = 1;
    file.save(vote(2)).then(() => saved = 2, () => undefined);
    for (let turn = seed % 7; turn > 0; turn--) await Promise.resolve();
    disk.crash(seededRandom(seed));
    const stored = StateFile.read(disk, DIRECTORY);
    const found = stored?.hardState.term ?? 0;
    assert(found === saved || found === 2, `seed ${seed}: term ${found}`);
    assert.equal(stored?.hardState.votedFor, `candidate-${found}`);
    assert.equal(stored?.nodeId, "node-1");
    await StateFile.open(disk, DIRECTORY);
    disk.crash(seededRandom(seed + 1));
    const again = StateFile.read(disk, DIRECTORY)?.hardState.term;
    assert.equal(again, found, "what was believed once stays");
  }
});

/** One damage: a flipped bit, other bytes, or what was there before a write. */
const DAMAGE = fc.oneof(
  fc.record({
    kind: fc.constant("flip" as const),
    at: fc.nat({ max: FILE_BYTES - 1 }),
    bit: fc.nat({ max: 7 }),
  }),
  fc.record({
    kind: fc.constant("overwrite" as const),
    at: fc.nat({ max: FILE_BYTES - 1 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 5_000 }),
  }),
  fc.record({
    kind: fc.constant("lost write" as const),
    at: fc.constantFrom(0, 512, 4_096, 4_608),
    length: fc.constantFrom(512, 1_024),
  }),
  fc.record({
    kind: fc.constant("cut" as const),
    at: fc.nat({ max: FILE_BYTES - 1 }),
  }),
);

type Damage = typeof DAMAGE extends fc.Arbitrary<infer T> ? T : never;

/** How long a sync takes. */
const SYNC_TURNS = 20;

async function passTurns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await Promise.resolve();
}

function damaged(
  whole: Uint8Array,
  damage: Damage,
  earlier: Uint8Array,
): Uint8Array {
  const bytes = whole.slice();
  const { kind, at } = damage;
  if (kind === "cut") return bytes.slice(0, at);
  if (kind === "flip") bytes[at] = (bytes[at] ?? 0) ^ (1 << damage.bit);
  else if (kind === "lost write") {
    bytes.set(earlier.subarray(at, at + damage.length), at);
  } else bytes.set(damage.bytes.subarray(0, bytes.length - at), at);
  return bytes;
}

Deno.test("read() after a crash and any one damage gives no vote that is older than the last promise", async () => {
  const sights = { newest: 0, unpromised: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: 60 }),
      fc.nat(),
      DAMAGE,
      async (turns, seed, damage) => {
        const { disk, file } = await newFile();
        disk.beforeSync = () => passTurns(SYNC_TURNS);
        await file.save(vote(1));
        const earlier = disk.contentOf(PATH).slice();
        let promised = 1;
        file.save(vote(2)).then(() => promised = 2, () => undefined);
        await passTurns(turns);
        disk.crash(seededRandom(seed));
        disk.put(PATH, damaged(disk.contentOf(PATH), damage, earlier));
        let found: StoredState | undefined;
        try {
          found = StateFile.read(disk, DIRECTORY);
        } catch (error) {
          assert.ok(isProglogError(error, "corrupt"), String(error));
          sights.refused += 1;
          return;
        }
        const { term = 0, votedFor } = found?.hardState ?? {};
        assert.ok(
          term >= promised,
          `term ${term} after ${promised} was promised`,
        );
        assert.equal(votedFor, `candidate-${term}`);
        assert.equal(found?.nodeId, "node-1");
        if (term > promised) sights.unpromised += 1;
        else sights.newest += 1;
      },
    ),
    { numRuns: 2_000 },
  );
  for (const [sight, count] of Object.entries(sights)) {
    assert.ok(count > 10, `${sight}: ${count}`);
  }
});

Deno.test("open() makes good what it found damaged, and loses it in no crash", async () => {
  for (const slot of [0, 4_096]) {
    for (let turns = 0; turns < 12; turns++) {
      const { disk, file } = await newFile();
      await file.save(vote(5));
      const bytes = disk.contentOf(PATH).slice();
      bytes[slot + 20] = 0xff;
      disk.put(PATH, bytes);
      StateFile.open(disk, DIRECTORY).catch(() => undefined);
      for (let turn = turns; turn > 0; turn--) await Promise.resolve();
      disk.crash(seededRandom(turns + 1));
      assert.deepEqual(StateFile.read(disk, DIRECTORY)?.hardState, vote(5));
      await StateFile.open(disk, DIRECTORY);
      const again = disk.contentOf(PATH).slice();
      again[4_096 - slot + 20] = 0xff;
      disk.put(PATH, again);
      assert.deepEqual(StateFile.read(disk, DIRECTORY)?.hardState, vote(5));
    }
  }
});

Deno.test("save() that fails at either copy says so", async () => {
  for (const nth of [1, 2]) {
    const { disk, file } = await newFile();
    disk.countedKinds = ["sync"];
    disk.operationCount = 0;
    disk.failOperation = nth;
    await assert.rejects(file.save(vote(1)), { code: "disk_failed" });
  }
});

Deno.test("a replica gives no second vote of a term, although one copy rots as soon as the vote is out", async () => {
  for (const slot of [0, 4_096]) {
    const world = await ReplicaWorld.found(["a", "b", "c"]);
    const leader = await world.leader();
    await world.converge();
    const [voter, other] = world.followersOf(leader);
    assert.ok(voter && other);
    const { term, lastIndex } = voter.up.status();
    const answers: string[] = [];
    voter.disk.beforeSync = () =>
      new Promise((resolve) => world.time.after(SYNC_MS, resolve));
    // The answers are seen; nobody hears of anything.
    world.filter = (message) => {
      if (message.kind === "vote_response" && message.from === voter.id) {
        answers.push(`${message.to} ${message.term} ${message.vote}`);
      }
      return false;
    };
    const ask = (from: string) => {
      const head = { log: "default", from, to: voter.id };
      const last = { lastIndex, lastTerm: term };
      voter.up.receive({
        ...head,
        kind: "vote_request",
        term: nextTerm(term),
        cause: "transfer",
        ...last,
      });
    };
    ask(leader.id);
    await world.time.until(() => answers.length > 0);
    world.crash(voter.id, TAKES_ALL);
    const bytes = voter.disk.contentOf("/data/default/state").slice();
    bytes[slot + 21] = 0xff;
    voter.disk.put("/data/default/state", bytes);
    await world.open(voter.id);
    ask(other.id);
    await world.time.run(50);
    assert.deepEqual(answers, [
      `${leader.id} ${term + 1} granted`,
      `${other.id} ${term + 1} refused`,
    ]);
    await world.stopAll();
  }
});

Deno.test("read() survives any one damaged byte of the slots, and refuses two", async () => {
  const { disk, file } = await newFile();
  await file.save(vote(5));
  await file.close();
  const whole = disk.contentOf(PATH);
  for (let at = 0; at < 1_024; at += 13) {
    for (const slot of [0, 4_096]) {
      const bytes = whole.slice();
      bytes[slot + at] = (bytes[slot + at] ?? 0) ^ 0x10;
      disk.put(PATH, bytes);
      assert.deepEqual(StateFile.read(disk, DIRECTORY)?.hardState, vote(5));
    }
  }
  const bytes = whole.slice();
  bytes[20] = 0xff;
  bytes[4_096 + 20] = 0xff;
  disk.put(PATH, bytes);
  assert.throws(() => StateFile.read(disk, DIRECTORY), {
    code: "corrupt",
    details: { file: PATH, position: 0 },
  });
});

Deno.test("save() needs no room on the disk", async () => {
  const { disk, file } = await newFile();
  disk.capacityBytes = 0;
  disk.capacityBytes = -disk.freeBytes(DIRECTORY);
  await file.save(vote(3));
  assert.deepEqual(StateFile.read(disk, DIRECTORY)?.hardState, vote(3));
});

Deno.test("hint() is forgotten when it is damaged", async () => {
  const { disk, file } = await newFile();
  file.hint(logIndex(77));
  assert.equal(StateFile.read(disk, DIRECTORY)?.commitHint, 77);
  const bytes = disk.contentOf(PATH);
  bytes[8_192 + 15] = 0;
  disk.put(PATH, bytes);
  assert.equal(StateFile.read(disk, DIRECTORY)?.commitHint, 0);
});

Deno.test("open() of a replica refuses a log that lost what had been committed", async () => {
  const world = await ReplicaWorld.found(["a"]);
  const a = await world.leader();
  for (let n = 0; n < 5; n++) await world.produce(a, [`v${n}`]);
  await world.stop("a");
  for (const path of a.disk.paths()) {
    if (path.includes("/log/")) a.disk.remove(path);
  }
  await assert.rejects(world.open("a"), { code: "corrupt" });
});

Deno.test("open() of a replica refuses a log whose votes are missing", async () => {
  const world = await ReplicaWorld.found(["a"]);
  await world.produce(await world.leader(), ["x"]);
  await world.stop("a");
  world.node("a").disk.remove("/data/default/state");
  await assert.rejects(world.open("a"), { code: "corrupt" });
});
