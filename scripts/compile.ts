/**
 * Makes `dist/proglog`, one executable that needs nothing installed:
 * `deno task compile [--kind native|self-extracting] [--output PATH]`.
 * Native is `deno compile`, which fetches its runtime unless DENORT_BIN names
 * one; where that cannot be had the result unpacks itself (self_extracting.ts).
 */
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { V8_FLAGS } from "../cli/v8_flags.ts";
import { VERSION } from "../net/version.ts";
import { selfExtracting } from "./self_extracting.ts";

const MAIN = new URL("../cli/main.ts", import.meta.url).pathname;
const CONFIG = new URL("../deno.json", import.meta.url).pathname;

type Kind = "native" | "self-extracting";

/** Builds at `output` and answers which kind it became. Throws when it cannot. */
export async function compile(
  options: { output: string; kind?: Kind },
): Promise<Kind> {
  Deno.mkdirSync(dirname(options.output), { recursive: true });
  if (options.kind !== "self-extracting") {
    const native = await compileNative(options.output);
    if (native.ok) return "native";
    if (options.kind === "native") throw new Error(native.message);
  }
  await compileSelfExtracting(options.output);
  return "self-extracting";
}

async function compileNative(output: string) {
  const temporary = `${output}.native`;
  const result = await deno(
    [
      "compile",
      "--allow-all",
      V8_FLAGS,
      "--no-check",
      "--config",
      CONFIG,
      "--output",
      temporary,
      MAIN,
    ],
  );
  if (result.ok) Deno.renameSync(temporary, output);
  return result;
}

async function compileSelfExtracting(output: string): Promise<void> {
  const directory = Deno.makeTempDirSync();
  try {
    const bundle = join(directory, "proglog.js");
    const result = await deno(
      [
        "bundle",
        "--platform",
        "deno",
        "--keep-names",
        "--config",
        CONFIG,
        "--output",
        bundle,
        MAIN,
      ],
    );
    if (!result.ok) {
      throw new Error(`Cannot bundle the program: ${result.message}`);
    }
    const bytes = selfExtracting({
      runtime: Deno.readFileSync(Deno.execPath()),
      program: Deno.readFileSync(bundle),
      version: VERSION,
    });
    const temporary = `${output}.new`;
    Deno.writeFileSync(temporary, bytes, { mode: 0o755 });
    Deno.renameSync(temporary, output);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

async function deno(args: string[]): Promise<{ ok: boolean; message: string }> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).output();
  return { ok: success, message: new TextDecoder().decode(stderr).trim() };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      kind: { type: "string" },
      output: { type: "string", default: "dist/proglog" },
    },
  });
  const { kind, output } = values;
  if (kind !== undefined && kind !== "native" && kind !== "self-extracting") {
    throw new Error(
      `Cannot make the kind ${kind}: it is native or self-extracting`,
    );
  }
  const made = await compile({
    output,
    ...(kind === undefined ? {} : { kind }),
  });
  const megabytes = (Deno.statSync(output).size / 1e6).toFixed(1);
  const line =
    `${output}: ${made} executable, ${megabytes} MB, proglog ${VERSION}\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}

if (import.meta.main) await main();
