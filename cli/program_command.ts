/**
 * How to start this very program again: the executable when it is one, else
 * Deno with the source. Caller: dev.ts.
 */
import { fileURLToPath } from "node:url";

export function programCommand(): string[] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const main = fileURLToPath(Deno.mainModule);
  return [Deno.execPath(), "run", "-A", "--quiet", main];
}
