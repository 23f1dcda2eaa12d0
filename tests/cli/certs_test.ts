/** The verb as a process: what a person and a script see. */
import assert from "node:assert/strict";
import { join } from "node:path";

const MAIN = new URL("../../cli/main.ts", import.meta.url).pathname;

async function proglog(directory: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    env: { CONFIG_DIR: directory, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

async function withDirectory(run: (directory: string) => Promise<void>) {
  const parent = Deno.makeTempDirSync();
  try {
    await run(join(parent, "config"));
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

Deno.test("certs init makes files once, says which are there, and replaces them by force", () =>
  withDirectory(async (directory) => {
    const first = await proglog(directory, "certs", "init");
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /server\.pem {2}valid until \d{4}-/);
    const second = await proglog(directory, "certs", "init");
    assert.equal(second.code, 1);
    assert.equal(second.out, "");
    assert.match(
      second.err,
      /^proglog: .*these files are there: ca\.pem, .* Use --force/,
    );
    const third = await proglog(
      directory,
      "certs",
      "init",
      "--force",
      "--json",
    );
    assert.equal(third.code, 0, third.err);
    assert.equal(JSON.parse(third.out).files.length, 13);
  }));

Deno.test("certs show warns before the end, and issue needs an authority", () =>
  withDirectory(async (directory) => {
    const empty = await proglog(directory, "certs", "show");
    assert.equal(empty.code, 1);
    assert.match(empty.err, /Make certificates with `proglog certs init`/);
    await proglog(directory, "certs", "init", "--validity-days", "10");
    const shown = await proglog(directory, "certs", "show", "--json");
    assert.equal(shown.code, 0);
    assert.equal(JSON.parse(shown.out).certificates.length, 5);
    assert.match(shown.err, /warning: server\.pem ends in 9 days/);
    Deno.removeSync(join(directory, "ca-key.pem"));
    const issued = await proglog(directory, "certs", "issue", "alice");
    assert.equal(issued.code, 1);
    assert.match(issued.err, /^proglog: Cannot read .*ca-key\.pem/);
  }));

Deno.test("usage errors exit 2 and name the help", () =>
  withDirectory(async (directory) => {
    for (
      const args of [
        ["nonsense"],
        ["certs", "init", "--nonsense"],
        ["certs", "issue"],
        ["certs", "issue", "../evil"],
        ["certs", "init", "--host", "a b"],
        ["completion", "tcsh"],
      ]
    ) {
      const { code, err } = await proglog(directory, ...args);
      assert.equal(code, 2, args.join(" "));
      assert.match(
        err,
        /^proglog: .* See `proglog.* --help`\n$/,
        args.join(" "),
      );
    }
  }));

Deno.test("a reader that went away ends the program quietly", () =>
  withDirectory(async (directory) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", MAIN, "completion", "bash"],
      env: { CONFIG_DIR: directory, NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    // Closed long before the program has started and can write.
    await child.stdout.cancel();
    const errors = await new Response(child.stderr).text();
    assert.deepEqual({ code: (await child.status).code, errors }, {
      code: 0,
      errors: "",
    });
  }));
