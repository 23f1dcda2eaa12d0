/**
 * The self-extracting executable as its user has it: a file, a cache directory,
 * processes. Built once for all tests here.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { compile } from "../../scripts/compile.ts";
import { selfExtracting } from "../../scripts/self_extracting.ts";
import { VERSION } from "../../net/version.ts";

/** 100 ms on a quiet machine; generous, as that of a test run is busy. */
const START_MS_MAX = 1500;

interface Place {
  readonly executable: string;
  readonly root: string;
  readonly env: Record<string, string>;
}

/** A directory with an executable in it; no variable of ours leaks in. */
async function withExecutable(
  build: (path: string) => Promise<unknown> | void,
  run: (place: Place) => Promise<void>,
): Promise<void> {
  const root = Deno.makeTempDirSync();
  const executable = join(root, "proglog");
  try {
    await build(executable);
    const env = {
      PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
      HOME: join(root, "home"),
      CONFIG_DIR: join(root, "config"),
      NO_COLOR: "1",
    };
    await run({ executable, root, env });
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

async function start({ executable, env }: Place, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(executable, {
    args,
    env,
    clearEnv: true,
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

/** Which file the runtime in the cache is. */
function cachedRuntime({ env }: Place) {
  const cache = join(env["HOME"] ?? "", ".cache/proglog");
  const [key] = [...Deno.readDirSync(cache)];
  const { ino, mtime } = Deno.statSync(join(cache, key?.name ?? "", "deno"));
  return { ino, mtime };
}

/** A program that shows what reaches it. */
const ECHO = `
  if (Deno.args[0] === "wait") {
    console.log(Deno.pid);
    setInterval(() => undefined, 1000);
  } else {
    const text = await new Response(Deno.stdin.readable).text();
    console.log(JSON.stringify([Deno.args, text]));
    Deno.exit(7);
  }
`;

/** Packed once: it takes seconds. */
let echo: Uint8Array | undefined;

/** As compile() makes it, but around ECHO. */
function writeEcho(path: string): void {
  echo ??= selfExtracting({
    runtime: Deno.readFileSync(Deno.execPath()),
    program: new TextEncoder().encode(ECHO),
    version: "0.0.0",
  });
  Deno.writeFileSync(path, echo, { mode: 0o755 });
}

const ECHOED = { code: 7, out: '[[],""]\n', err: "" };

Deno.test("proglog starts fast, keeps exit codes, and makes certificates", () =>
  withExecutable(
    (output) => compile({ output, kind: "self-extracting" }),
    async (place) => {
      const first = await start(place, "--version");
      assert.deepEqual(first, { code: 0, out: `${VERSION}\n`, err: "" });
      const unpacked = cachedRuntime(place);
      const tookMs: number[] = [];
      for (let i = 0; i < 3; i++) {
        const startedMs = performance.now();
        await start(place, "--version");
        tookMs.push(performance.now() - startedMs);
      }
      assert.ok(Math.min(...tookMs) < START_MS_MAX, tookMs.join(" "));
      assert.deepEqual(cachedRuntime(place), unpacked, "unpacked once");

      const init = await start(place, "certs", "init");
      assert.equal(init.code, 0, init.err);
      assert.equal(
        Deno.statSync(join(place.root, "config/ca.pem")).isFile,
        true,
      );
      assert.equal((await start(place, "certs", "init")).code, 1);
      assert.equal((await start(place, "nonsense")).code, 2);
      assert.equal((await start(place, "completion", "bash")).code, 0);
    },
  ));

Deno.test("selfExtracting() unpacks once, also when many start at the same time", () =>
  withExecutable(writeEcho, async (place) => {
    const starts = [1, 2, 3].map((n) => start(place, String(n)));
    const results = await Promise.all(starts);
    assert.deepEqual(
      results.map(({ out }) => JSON.parse(out)[0]),
      [["1"], ["2"], ["3"]],
    );
    const cache = join(place.root, "home/.cache/proglog");
    const keys = [...Deno.readDirSync(cache)];
    assert.equal(keys.length, 1);
    const files = [...Deno.readDirSync(join(cache, keys[0]?.name ?? ""))].map((
      { name },
    ) => name);
    assert.deepEqual(files.filter((name) => name !== "deno_dir").sort(), [
      "deno",
      "proglog.js",
    ]);
  }));

Deno.test("selfExtracting() passes arguments, input, exit code and signals", () =>
  withExecutable(
    writeEcho,
    async (place) => {
      const { executable, env } = place;
      const options = {
        env,
        clearEnv: true,
        stdin: "piped",
        stdout: "piped",
      } as const;
      const args = ["a b", "$HOME", "", "--version", "*"];
      const child = new Deno.Command(executable, { ...options, args }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("in\n"));
      await writer.close();
      const { code, stdout } = await child.output();
      assert.equal(code, 7);
      assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), [
        args,
        "in\n",
      ]);

      const waiting = new Deno.Command(executable, {
        ...options,
        args: ["wait"],
      }).spawn();
      await waiting.stdin.close();
      const reader = waiting.stdout.getReader();
      const { value } = await reader.read();
      assert.equal(Number(new TextDecoder().decode(value)), waiting.pid);
      Deno.kill(waiting.pid, "SIGKILL");
      assert.equal((await waiting.status).signal, "SIGKILL");
      await reader.cancel();
    },
  ));

Deno.test("selfExtracting() works without HOME, and says where it cannot write", () =>
  withExecutable(writeEcho, async (place) => {
    const { HOME: _, ...homeless } = place.env;
    const temporary = join(place.root, "tmp");
    Deno.mkdirSync(temporary);
    const without = await start({
      ...place,
      env: { ...homeless, TMPDIR: temporary },
    });
    assert.deepEqual(without, ECHOED);
    assert.equal([...Deno.readDirSync(temporary)].length, 1);

    Deno.writeTextFileSync(join(place.root, "file"), "");
    const blocked = {
      ...place.env,
      PROGLOG_CACHE_DIR: join(place.root, "file"),
    };
    const refused = await start({ ...place, env: blocked });
    assert.equal(refused.code, 1);
    assert.match(
      refused.err,
      /^proglog: cannot unpack itself into .*\. Set PROGLOG_CACHE_DIR/,
    );
  }));

Deno.test("selfExtracting() refuses a damaged file and leaves nothing behind", () =>
  withExecutable(writeEcho, async (place) => {
    const { size } = Deno.statSync(place.executable);
    Deno.truncateSync(place.executable, Math.floor(size / 2));
    const result = await start(place);
    assert.equal(result.code, 1);
    assert.match(result.err, /the disk is full or .* is damaged/);
    const cache = join(place.root, "home/.cache/proglog");
    const [key] = [...Deno.readDirSync(cache)];
    assert.deepEqual([...Deno.readDirSync(join(cache, key?.name ?? ""))], []);
  }));
