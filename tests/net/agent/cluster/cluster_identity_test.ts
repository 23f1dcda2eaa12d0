/** The file that says which cluster a node belongs to, whole and broken. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ClusterIdentity } from "../../../../net/agent/cluster/cluster_identity.ts";
import { MemoryDisk } from "../../../support/memory_disk.ts";

const DIRECTORY = "/data";
const PATH = `${DIRECTORY}/cluster_id`;
const ID = "00c0ffee00c0ffee";

function diskWith(content?: Uint8Array | string): MemoryDisk {
  const disk = new MemoryDisk();
  disk.makeDirectory(DIRECTORY);
  if (content === undefined) return disk;
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  disk.put(PATH, bytes);
  return disk;
}

function idIn(disk: MemoryDisk): string {
  return new ClusterIdentity(disk, DIRECTORY).id;
}

async function written(id = ID) {
  const disk = diskWith();
  await new ClusterIdentity(disk, DIRECTORY).adopt(id);
  return disk.contentOf(PATH);
}

Deno.test("adopt() writes the id with a checksum, for the next start", async () => {
  const bytes = await written();
  assert.equal(
    new TextDecoder().decode(bytes),
    `proglog-cluster-id 2 ${ID} ad1a4b4e\n`,
  );
  assert.equal(idIn(diskWith(bytes)), ID);
  assert.equal(idIn(diskWith()), "", "no file");
});

Deno.test("adopt() keeps the first id, and none that cannot be read again", async () => {
  const disk = diskWith();
  const identity = new ClusterIdentity(disk, DIRECTORY);
  for (const id of ["", "two words", "line\n", "x".repeat(256)]) {
    await identity.adopt(id);
    assert.equal(identity.id, "");
  }
  await identity.adopt(ID);
  await identity.adopt("another");
  assert.equal(identity.id, ID);
  assert.equal(idIn(disk), ID);
});

Deno.test("ClusterIdentity reads what version 1 wrote", () => {
  assert.equal(idIn(diskWith(`${ID}\n`)), ID);
});

Deno.test("ClusterIdentity refuses what is torn, and says what to do", async () => {
  const bytes = await written();
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => idIn(diskWith(bytes.slice(0, length))), {
      code: "corrupt",
      details: { file: PATH, position: 0 },
      message: /remove this file and start again/,
    });
  }
  assert.throws(() => idIn(diskWith(ID)), { code: "corrupt" }, "version 1");
});

Deno.test("ClusterIdentity refuses a file of another version by its number", () => {
  assert.throws(
    () => idIn(diskWith(`proglog-cluster-id 3 ${ID} 00000000\n`)),
    { code: "corrupt", message: /of version 3, or damaged/ },
  );
});

Deno.test("ClusterIdentity refuses a file with any damage", async () => {
  const whole = await written();
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = whole.slice();
    const at = bit >> 3;
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => idIn(diskWith(bytes)), { code: "corrupt" }, `${bit}`);
  }
  fc.assert(fc.property(
    fc.nat({ max: whole.length - 1 }),
    fc.uint8Array({ minLength: 1, maxLength: 32 }),
    (at, damage) => {
      const bytes = whole.slice();
      bytes.set(damage.subarray(0, bytes.length - at), at);
      fc.pre(bytes.some((byte, n) => byte !== whole[n]));
      assert.throws(() => idIn(diskWith(bytes)), { code: "corrupt" });
    },
  ));
});
