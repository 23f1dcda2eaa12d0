/**
 * How to start this very program again: the executable when it is one, else
 * Deno with the source. Caller: dev.ts.
 */
import { fileURLToPath } from "node:url";

export function programCommand(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const main = fileURLToPath(Deno.mainModule);
  const flags = ["--v8-flags=--min-semi-space-size=16", "--quiet"];
  return [Deno.execPath(), "run", "-A", ...flags, main];
}
