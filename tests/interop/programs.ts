/**
 * Outside programs: whether they are here, and how the checks that a script of
 * another language makes become steps of a Deno test.
 */
import assert from "node:assert/strict";
import { join } from "node:path";

const GRPC_JS = ["@grpc/grpc-js@1.14.7", "@grpc/proto-loader@0.8.0"];

/** Runs a test only where the program works, and says loudly where it does not. */
export function testWith(
  program: { name: string; isHere: boolean; package: string },
  name: string,
  run: (context: Deno.TestContext) => Promise<void>,
): void {
  if (!program.isHere) {
    const line =
      `SKIPPED "${name}": ${program.name} is missing (${program.package})\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(line));
  }
  Deno.test({ name, ignore: !program.isHere, fn: run });
}

function works(command: string, args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export function h2load() {
  return {
    name: "h2load",
    isHere: works("h2load", ["--version"]),
    package: "apt-get install nghttp2-client",
  };
}

export function curl() {
  return {
    name: "curl",
    isHere: works("curl", ["--version"]),
    package: "apt-get install curl",
  };
}

export const PYTHON = "/usr/bin/python3";

export function pythonGrpc() {
  return {
    name: "python3 with grpcio",
    isHere: works(PYTHON, ["-c", "import grpc"]),
    package: "apt-get install python3-grpcio",
  };
}

/** Node with grpc-js; installs it into a cache directory the first time. */
export function nodeGrpcJs() {
  const hasNode = works("node", ["--version"]) && works("npm", ["--version"]);
  return {
    name: "node with @grpc/grpc-js",
    isHere: hasNode && installGrpcJs(),
    package: "apt-get install nodejs npm, and the npm registry",
  };
}

function cacheDirectory(): string {
  return Deno.env.get("PROGLOG_INTEROP_CACHE") ??
    join(Deno.env.get("HOME") ?? ".", ".cache", "proglog-interop");
}

function installGrpcJs(): boolean {
  const directory = cacheDirectory();
  const modules = join(directory, "node_modules");
  Deno.mkdirSync(directory, { recursive: true });
  const check = [
    "-e",
    "require('@grpc/grpc-js'); require('@grpc/proto-loader')",
  ];
  const isInstalled = () =>
    new Deno.Command("node", {
      args: check,
      env: { NODE_PATH: modules },
      stderr: "null",
    }).outputSync().success;
  if (isInstalled()) return true;
  new Deno.Command("npm", {
    args: [
      "install",
      "--prefix",
      directory,
      "--no-audit",
      "--no-fund",
      ...GRPC_JS,
    ],
    stdout: "null",
    stderr: "null",
  }).outputSync();
  return isInstalled();
}

export function grpcJsEnvironment(): Record<string, string> {
  return { NODE_PATH: join(cacheDirectory(), "node_modules") };
}

export const here = new URL(".", import.meta.url).pathname;

/**
 * Runs a script that prints one line a check, "ok NAME" or "failed NAME: WHY",
 * and makes each a step.
 */
export async function runChecks(
  context: Deno.TestContext,
  command: string,
  options: { args: string[]; env?: Record<string, string> },
): Promise<void> {
  const { stdout, stderr, code } = await new Deno.Command(command, {
    ...options,
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  const lines = text.decode(stdout).split("\n").filter((line) => line !== "");
  for (const line of lines) {
    const [, verdict, name = line] = /^(\w+) ([^:]*)/.exec(line) ?? [];
    await context.step(name, () => assert.equal(verdict, "ok", line));
  }
  assert.equal(code, 0, `${text.decode(stderr)}\n${text.decode(stdout)}`);
  assert.ok(lines.length > 5, "the script made too few checks");
}
