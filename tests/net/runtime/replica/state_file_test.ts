/** Term, vote and identity on a disk that tears and rots. */
import assert from "node:assert/strict";
import { logIndex, term } from "../../../../core/ids.ts";
import { StateFile } from "../../../../net/runtime/replica/state_file.ts";
import { MemoryDisk } from "../../../support/memory_disk.ts";
import { seededRandom } from "../../../support/seeded_random.ts";
import { ReplicaWorld } from "./support/replica_world.ts";

const DIRECTORY = "/data";
const PATH = `${DIRECTORY}/state`;

async function newFile() {
  const disk = new MemoryDisk();
  disk.makeDirectory(DIRECTORY);
  await StateFile.create(disk, { directory: DIRECTORY, nodeId: "node-1" });
  return { disk, file: await StateFile.open(disk, DIRECTORY) };
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
