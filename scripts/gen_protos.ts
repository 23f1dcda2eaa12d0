/**
 * Writes `net/rpc/gen` from `net/rpc/proto`: message code by protoc-gen-es and
 * the descriptor set that server reflection answers from. With `--check` it
 * writes nothing and exits 1 if the files in the tree differ.
 */
import { join, relative } from "node:path";

const ROOT = new URL("..", import.meta.url).pathname;
const PROTO_DIRECTORY = join(ROOT, "net/rpc/proto");
const GEN_DIRECTORY = join(ROOT, "net/rpc/gen");

/** The names of deno.json would resolve to their libraries, not their programs. */
const BUF = "npm:@bufbuild/buf@1.74.0";
const PROTOC_GEN_ES = "npm:@bufbuild/protoc-gen-es@2.17.0";

const say = (line: string) => Deno.stdout.writeSync(encode(`${line}\n`));
const encode = (text: string) => new TextEncoder().encode(text);

async function main(): Promise<void> {
  const into = await Deno.makeTempDir({ prefix: "proglog_gen_" });
  try {
    await generate(into);
    const isCheck = Deno.args.includes("--check");
    const drift = await compareTrees({ fresh: into, current: GEN_DIRECTORY });
    if (isCheck) return reportDrift(drift);
    await replaceTree({ from: into, to: GEN_DIRECTORY });
    say(`Wrote net/rpc/gen (${drift.length} files changed)`);
  } finally {
    await Deno.remove(into, { recursive: true });
  }
}

async function generate(into: string): Promise<void> {
  const plugin = [Deno.execPath(), "run", "-A", PROTOC_GEN_ES];
  const template = {
    version: "v2",
    plugins: [{
      local: plugin,
      out: into,
      opt: ["target=ts", "import_extension=ts"],
    }],
  };
  await buf(["generate", ".", "--template", JSON.stringify(template)]);
  const setPath = join(into, "descriptor_set.binpb");
  await buf([
    "build",
    ".",
    "--as-file-descriptor-set",
    "--exclude-source-info",
    "-o",
    setPath,
  ]);
  const set = await Deno.readFile(setPath);
  await Deno.remove(setPath);
  await Deno.writeTextFile(join(into, "descriptor_set.ts"), setModule(set));
}

async function buf(args: string[]): Promise<void> {
  const run = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", BUF, ...args],
    cwd: PROTO_DIRECTORY,
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (run.success) return;
  const text = new TextDecoder();
  throw new Error(
    `Cannot run buf ${args[0]}: ${text.decode(run.stderr)}${
      text.decode(run.stdout)
    }`,
  );
}

/** A TypeScript module with the set as base64 in lines of 100. */
function setModule(set: Uint8Array): string {
  const lines = set.toBase64().match(/.{1,100}/g) ?? [];
  const literal = lines.map((line) => `  "${line}"`).join(" +\n");
  return `// Written by scripts/gen_protos.ts; do not edit.

/** google.protobuf.FileDescriptorSet of net/rpc/proto, serialized, as base64. */
export const DESCRIPTOR_SET_BASE64: string =
${literal};
`;
}

interface Trees {
  readonly fresh: string;
  readonly current: string;
}

/** Paths that differ or are in one tree only, sorted. */
async function compareTrees({ fresh, current }: Trees): Promise<string[]> {
  const paths = new Set([...await filesIn(fresh), ...await filesIn(current)]);
  const different: string[] = [];
  for (const path of [...paths].sort()) {
    const a = await readOrNothing(join(fresh, path));
    const b = await readOrNothing(join(current, path));
    if (a !== b) different.push(path);
  }
  return different;
}

async function filesIn(directory: string, base = directory): Promise<string[]> {
  const found: string[] = [];
  if (!await exists(directory)) return found;
  for await (const entry of Deno.readDir(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) found.push(...await filesIn(path, base));
    else found.push(relative(base, path));
  }
  return found;
}

async function exists(path: string): Promise<boolean> {
  return await readInfo(path) !== undefined;
}

async function readInfo(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function readOrNothing(path: string): Promise<string | undefined> {
  return await exists(path) ? await Deno.readTextFile(path) : undefined;
}

function reportDrift(drift: readonly string[]): void {
  if (drift.length === 0) return void say("net/rpc/gen is up to date");
  for (const path of drift) say(`net/rpc/gen/${path} differs from its proto`);
  say("Run: deno run -A scripts/gen_protos.ts");
  Deno.exitCode = 1;
}

async function replaceTree(
  { from, to }: { from: string; to: string },
): Promise<void> {
  const keep = new Set(await filesIn(from));
  for (const path of await filesIn(to)) {
    if (!keep.has(path)) await Deno.remove(join(to, path));
  }
  for (const path of keep) {
    const target = join(to, path);
    await Deno.mkdir(join(target, ".."), { recursive: true });
    await Deno.copyFile(join(from, path), target);
  }
}

await main();
