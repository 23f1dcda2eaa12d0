/**
 * Looks at TypeScript as text: without comments, without the contents of
 * strings, and which modules it imports. Line numbers stay as they are. Good
 * enough for rules, not a parser. Pure. Callers: import_law.ts, code_law.ts.
 */

export interface Import {
  readonly specifier: string;
  /** `import type` and `export type`: nothing of it is there at run time. */
  readonly typeOnly: boolean;
  /** From 1. */
  readonly line: number;
}

/** Static imports, re-exports and dynamic imports with a constant. */
export function importsOf(source: string): Import[] {
  const text = blank(source, { strings: "keep" });
  const pattern =
    /(?:^|[\n;}])\s*(?:import|export)\b[^;"'`()]*?\bfrom\s*["']([^"']+)["']|(?:^|[\n;}])\s*import\s*["']([^"']+)["']|\bimport\s*\(\s*["']([^"']+)["']/g;
  return [...text.matchAll(pattern)].map((match) => ({
    specifier: match[1] ?? match[2] ?? match[3] ?? "",
    typeOnly: /^[\s;}]*(import|export)\s+type\b/.test(match[0]),
    line: lineAt(text, match.index + match[0].length),
  }));
}

/** From 1. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

/** Code with comments, and string contents if asked, turned into blanks. */
export function blank(
  source: string,
  options: { strings: "keep" | "blank" },
): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|(?<=[(,=:[!&|?{;\n]\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  return source.replace(token, (found) => {
    const comment = found.startsWith("//") || found.startsWith("/*");
    if (!comment && options.strings === "keep") return found;
    return found.replace(/[^\n]/g, " ");
  });
}
