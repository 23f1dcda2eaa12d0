/**
 * `deno task demo`: makes certificates if there are none, starts an agent, pipes
 * a real file in, reads it back and compares. Everything lives in a directory
 * of its own that is removed at the end; nothing outlives the demo.
 */
import { join } from "node:path";
import { createServer } from "node:net";

const root = join(import.meta.dirname ?? ".", "..");
const directory = await Deno.makeTempDir({ prefix: "proglog-demo-" });
const rpcPort = await freePort();
const env = { CONFIG_DIR: join(directory, "config") };

try {
  await demo();
} finally {
  await Deno.remove(directory, { recursive: true });
}

async function demo(): Promise<void> {
  await run(["certs", "init"]);
  const agent = startAgent();
  try {
    await waitUntilServing();
    await roundTrip(join(root, "README.md"));
  } finally {
    agent.kill("SIGTERM");
    await agent.status;
  }
}

function startAgent(): Deno.ChildProcess {
  const args = ["agent", "--node-name", "demo", ...dataArguments()];
  say(args);
  return command(args, { stdout: "inherit", stderr: "inherit" }).spawn();
}

function dataArguments(): string[] {
  return ["--data-dir", join(directory, "data"), "--rpc-port", `${rpcPort}`];
}

async function roundTrip(path: string): Promise<void> {
  const file = await Deno.readFile(path);
  console.log(`\n$ proglog produce < ${path.slice(root.length + 1)}`);
  const produced = await run(["produce", ...address()], file);
  console.log(new TextDecoder().decode(produced).trim());
  const consumed = await run(["consume", "--offset", "0", ...address()]);
  if (!sameBytes(file, consumed)) {
    throw new Error("what came back is not what went in");
  }
  const lines = file.filter((byte) => byte === 10).length;
  console.log(`${lines} lines came back, byte for byte\n`);
}

async function waitUntilServing(): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const { success } = await command(["servers", ...address()], {
      stdout: "null",
      stderr: "null",
    }).output();
    if (success) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the agent does not answer");
}

function address(): string[] {
  return ["--addr", `127.0.0.1:${rpcPort}`];
}

async function run(args: string[], input?: Uint8Array): Promise<Uint8Array> {
  if (input === undefined) say(args);
  const child = command(args, {
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(input);
    await writer.close();
  }
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`proglog ${args.join(" ")} failed`);
  return stdout;
}

function command(args: string[], io: Deno.CommandOptions): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", join(root, "cli", "main.ts"), ...args],
    env,
    stdin: "null",
    ...io,
  });
}

function say(args: string[]): void {
  console.log(`$ proglog ${args.join(" ")}`);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null
          ? resolve(address.port)
          : reject(new Error("no port"))
      );
    });
  });
}
