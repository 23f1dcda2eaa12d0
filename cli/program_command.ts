/**
 * How to start this very program again: the executable when it is one, else
 * Deno with the source. Caller: dev.ts.
 */
import { fileURLToPath } from "node:url";
import { V8_FLAGS } from "./v8_flags.ts";

export function programCommand(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const main = fileURLToPath(Deno.mainModule);
  const flags = [V8_FLAGS, "--quiet"];
  return [Deno.execPath(), "run", "-A", ...flags, main];
}
