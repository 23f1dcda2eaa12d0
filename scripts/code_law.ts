/**
 * What no file of the product may have: an outside world inside core, more lines
 * than one idea needs, swallowed errors, promises to do it later. Pure.
 * Caller: check_imports.ts.
 */
import type { SourceFile, Violation } from "./check_imports.ts";
import { blank, lineAt } from "./source_text.ts";

const LINES_MAX = 400;

/** Time, chance, input and output are arguments in core. */
const OUTSIDE =
  /\b(Deno|Date|Math\s*\.\s*random|performance|crypto|console|process|setTimeout|setInterval|setImmediate|queueMicrotask|fetch)\b(?!\s*[?]?:)/g;

const EMPTY_CATCH =
  /\bcatch\s*(\([^)]*\)\s*)?\{\s*\}|\.catch\(\s*\(?\w*\)?\s*=>\s*\{\s*\}\s*\)/g;

/** Spelt so that this file passes its own check. */
const LATER = new RegExp(
  `\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`,
  "g",
);

export function checkCode(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => {
    const code = blank(file.text, { strings: "blank" });
    const inCore = file.path.startsWith("core/");
    return [
      ...(inCore
        ? found(file, {
          in: code,
          pattern: OUTSIDE,
          text: "uses $, which core may not",
        })
        : []),
      ...found(file, {
        in: code,
        pattern: EMPTY_CATCH,
        text: "has an empty catch",
      }),
      ...found(file, { in: file.text, pattern: LATER, text: "has a $" }),
      ...lengthOf(file),
    ];
  });
}

function found(
  file: SourceFile,
  search: { in: string; pattern: RegExp; text: string },
): Violation[] {
  return [...search.in.matchAll(search.pattern)].filter((match) =>
    !isMember(search.in, match.index)
  )
    .map((match) => ({
      path: file.path,
      line: lineAt(search.in, match.index),
      text: search.text.replace("$", match[0]),
    }));
}

/** `message.process` is a field of ours, not the global. */
function isMember(code: string, at: number): boolean {
  return /[\w)\]?]\s*\.\s*$/.test(code.slice(Math.max(0, at - 8), at)) ||
    code[at - 1] === "#";
}

function lengthOf(file: SourceFile): Violation[] {
  const lines = file.text.trimEnd().split("\n").length;
  if (lines <= LINES_MAX) return [];
  const text = `has ${lines} lines, and ${LINES_MAX} are the most`;
  return [{ path: file.path, line: LINES_MAX + 1, text }];
}
