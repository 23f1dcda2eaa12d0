/**
 * Checks the laws of the code by machine: `deno run -A scripts/check_imports.ts
 * [ROOT]`. Prints one line for each violation, as `file:line what`, and exits 1
 * when there is one. The laws are in import_law.ts and code_law.ts.
 */
import { join } from "node:path";
import { checkCode } from "./code_law.ts";
import { checkImports } from "./import_law.ts";

/** A file of the product, its path relative to the root, with forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export interface Violation {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

const PRODUCT: readonly string[] = ["cli", "core", "net", "scripts"];
/** Generated code has its own laws. */
const EXCLUDED = "net/rpc/gen";

/** All violations in a tree, in the order of its files. */
export function checkTree(root: string): Violation[] {
  const files = PRODUCT.flatMap((directory) => readSources(root, directory));
  return [...checkImports(files), ...checkCode(files)];
}

function readSources(root: string, directory: string): SourceFile[] {
  return entriesOf(join(root, directory)).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (path === EXCLUDED) return [];
    if (entry.isDirectory) return readSources(root, path);
    if (!entry.name.endsWith(".ts")) return [];
    return [{ path, text: Deno.readTextFileSync(join(root, path)) }];
  });
}

function entriesOf(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(path)].sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

export function formatViolation({ path, line, text }: Violation): string {
  return `${path}:${line} ${text}`;
}

if (import.meta.main) {
  const violations = checkTree(Deno.args[0] ?? ".");
  const lines = violations.map((one) => `${formatViolation(one)}\n`).join("");
  Deno.stderr.writeSync(new TextEncoder().encode(lines));
  Deno.exit(violations.length === 0 ? 0 : 1);
}
