/**
 * The real disk: what it reads it wrote, and how it names the system's errors.
 */

import assert from "node:assert/strict";
import { logIndex, term } from "../../../core/ids.ts";
import { Log } from "../../../core/log/log.ts";
import { encodeRecords } from "../../../core/log/record.ts";
import { createDisk } from "../../../net/os/disk.ts";
import { createRandom } from "../../../net/os/random.ts";

async function inDirectory(
  run: (directory: string) => Promise<void> | void,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "proglog-disk-" });
  try {
    await run(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("DiskFile reads what it wrote, at any position, and short at the end", async () => {
  await inDirectory(async (directory) => {
    const disk = createDisk();
    const file = disk.open(`${directory}/a`, "create");
    file.writeAt(new Uint8Array([1, 2, 3]), 0);
    file.writeAt(new Uint8Array([9]), 5);
    assert.equal(file.size(), 6);
    const into = new Uint8Array(8);
    assert.equal(file.readAt(into, 1), 5);
    assert.deepEqual([...into], [2, 3, 0, 0, 9, 0, 0, 0]);
    file.truncate(2);
    assert.equal(file.readAt(into, 0), 2);
    await file.sync();
    await disk.syncDirectory(directory);
    file.close();
  });
});

Deno.test("Disk lists, renames and removes by name", async () => {
  await inDirectory((directory) => {
    const disk = createDisk();
    disk.makeDirectory(`${directory}/x/y`);
    disk.makeDirectory(`${directory}/x/y`);
    disk.open(`${directory}/b`, "create").close();
    disk.open(`${directory}/a`, "create_or_existing").close();
    disk.rename(`${directory}/b`, `${directory}/c`);
    assert.deepEqual(disk.list(directory), [
      { name: "a", kind: "file" },
      { name: "c", kind: "file" },
      { name: "x", kind: "directory" },
    ]);
    disk.remove(`${directory}/a`);
    assert.equal(disk.exists(`${directory}/a`), false);
    assert.ok(disk.freeBytes(directory) > 0);
  });
});

Deno.test("Disk names the errors of the system", async () => {
  await inDirectory(async (directory) => {
    const disk = createDisk();
    const missing = `${directory}/missing`;
    assert.throws(() => disk.open(missing, "existing"), { code: "not_found" });
    assert.throws(() => disk.list(missing), { code: "not_found" });
    assert.throws(() => disk.remove(missing), { code: "not_found" });
    await assert.rejects(disk.syncDirectory(missing), { code: "not_found" });
    disk.open(`${directory}/a`, "create").close();
    assert.throws(() => disk.open(`${directory}/a`, "create"), {
      code: "already_exists",
    });
    assert.throws(() => disk.open(directory, "existing"), {
      code: "disk_failed",
    });
    const full = disk.open("/dev/full", "existing");
    assert.throws(() => full.writeAt(new Uint8Array(10), 0), {
      code: "disk_full",
    });
    full.close();
  });
});

Deno.test("Disk.lock() keeps others out until it is released", async () => {
  await inDirectory((directory) => {
    const disk = createDisk();
    const path = `${directory}/lock`;
    const lock = disk.lock(path);
    assert.throws(() => disk.lock(path), { code: "locked" });
    lock.release();
    disk.lock(path).release();
  });
});

Deno.test("Disk.lock() of another process is respected, and ends with that process", async () => {
  await inDirectory(async (directory) => {
    const path = `${directory}/lock`;
    const module = new URL("../../../net/os/disk.ts", import.meta.url).href;
    const script = `import { createDisk } from ${JSON.stringify(module)};
      createDisk().lock(${JSON.stringify(path)});
      console.log("held");
      await Deno.stdin.read(new Uint8Array(1));`;
    const holder = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", script],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const output = holder.stdout.getReader();
    await output.read();
    assert.throws(() => createDisk().lock(path), { code: "locked" });
    holder.kill("SIGKILL");
    await holder.status;
    createDisk().lock(path).release();
    await output.cancel();
    await holder.stdin.abort();
  });
});

Deno.test("DiskFile.sync() leaves the event loop free", async () => {
  await inDirectory(async (directory) => {
    const file = createDisk().open(`${directory}/big`, "create");
    file.writeAt(new Uint8Array(16 * 1024 * 1024), 0);
    let isDone = false;
    const sync = file.sync().then(() => isDone = true);
    let turns = 0;
    while (!isDone) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      turns += 1;
    }
    await sync;
    assert.ok(turns > 0);
    file.close();
  });
});

Deno.test("Log works on the real disk and is found again", async () => {
  await inDirectory(async (root) => {
    const options = {
      disk: createDisk(),
      random: createRandom(),
      directory: `${root}/log`,
      config: { segmentBytesMax: 500 },
    };
    const { log } = await Log.open(options);
    for (let i = 1; i <= 20; i++) {
      log.append({
        index: logIndex(i),
        term: term(1),
        kind: "data",
        recordCount: 1,
        appendTimeMs: i,
        records: encodeRecords([{ value: new Uint8Array([i]) }]),
      });
    }
    await log.sync();
    await assert.rejects(Log.open(options), { code: "locked" });
    await log.close();
    const { log: reopened, recovery } = await Log.open(options);
    assert.equal(recovery.cutBytes, 0);
    assert.equal(reopened.nextOffset, 20);
    await reopened.truncateFrom(logIndex(3));
    assert.equal(reopened.nextOffset, 2);
    await reopened.close();
  });
});
