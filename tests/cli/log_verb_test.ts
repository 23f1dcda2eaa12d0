/** `proglog log` on real files: what a person and a script see. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Log } from "../../core/log/log.ts";
import { createDisk } from "../../net/os/disk.ts";
import { appendCount } from "../core/log/support/log_fixture.ts";
import { seededRandom } from "../support/seeded_random.ts";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

async function proglog(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "log", ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

/** A data directory as an agent leaves it, with three records. */
async function withData(run: (data: string) => Promise<void>): Promise<void> {
  const data = Deno.makeTempDirSync();
  try {
    const directory = join(data, "logs/default/log");
    const { log } = await Log.open({
      disk: createDisk(),
      directory,
      random: seededRandom(7),
    });
    appendCount(log, 3);
    await log.sync();
    await log.close();
    await run(data);
  } finally {
    Deno.removeSync(data, { recursive: true });
  }
}

Deno.test("log verify finds the logs in a data directory, a log's and a segments' directory", () =>
  withData(async (data) => {
    const directories = ["", "logs/default", "logs/default/log"];
    const results = await Promise.all(
      directories.map((directory) => proglog("verify", join(data, directory))),
    );
    for (const { code, out, err } of results) {
      assert.equal(code, 0, err);
      const { ok, records } = JSON.parse(out);
      assert.deepEqual({ ok, records }, { ok: true, records: 3 });
    }
  }));

Deno.test("log dump prints lines of JSON", () =>
  withData(async (data) => {
    const { code, out } = await proglog("dump", data);
    assert.equal(code, 0);
    const lines = out.trim().split("\n").map((line) => JSON.parse(line));
    const records = lines.filter(({ kind }) => kind === "record");
    assert.deepEqual(records.map(({ value }) => value), ["v1", "v2", "v3"]);
  }));

Deno.test("log verify exits 1 and says what to do when a byte has changed", () =>
  withData(async (data) => {
    const directory = join(data, "logs/default/log");
    const [segment] = [...Deno.readDirSync(directory)].filter(({ name }) =>
      name.endsWith(".segment")
    );
    const path = join(directory, segment?.name ?? "");
    const bytes = Deno.readFileSync(path);
    bytes[100] = (bytes[100] ?? 0) ^ 0x55;
    Deno.writeFileSync(path, bytes);
    const { code, out, err } = await proglog("verify", data);
    assert.equal(code, 1);
    assert.equal(JSON.parse(out).ok, false);
    assert.match(
      err,
      /^proglog: There is damage in .*logs\/default\/log\. Keep the files/,
    );
  }));

Deno.test("log verify reports a directory that is not there", async () => {
  const { code, err } = await proglog("verify", "/nonexistent");
  assert.equal(code, 1);
  assert.match(err, /^proglog: Cannot .*\/nonexistent/);
});
