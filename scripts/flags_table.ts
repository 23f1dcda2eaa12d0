/**
 * Writes the tables of options in docs/operations.md from the commands
 * themselves: `deno run -A scripts/flags_table.ts`. With `--check` it changes
 * nothing and exits 1 when the page is old. A test does the same.
 */
import { join } from "node:path";
import { buildProgram } from "../cli/main.ts";
import { environmentNameOf } from "../cli/settings.ts";
import { configDirectory } from "../net/auth/security_files.ts";

const PAGE = join(import.meta.dirname ?? ".", "..", "docs", "operations.md");
const BEGIN = "<!-- begin of generated tables: scripts/flags_table.ts -->";
const END = "<!-- end of generated tables -->";

type Command = ReturnType<typeof buildProgram>;
type Option = Command["options"][number];
type Row = readonly string[];

/** A verb with options, by its full name, such as "certs init". */
interface Verb {
  readonly name: string;
  readonly options: readonly Option[];
}

/** The page with its tables made anew. Throws when it has no place for them. */
export function withFlagsTables(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) {
    throw new Error(`${PAGE} lacks the lines ${BEGIN} and ${END}`);
  }
  return `${page.slice(0, begin)}${BEGIN}\n\n${flagsTables()}\n${
    page.slice(end)
  }`;
}

export function readOperationsPage(): string {
  return Deno.readTextFileSync(PAGE);
}

function flagsTables(): string {
  const verbs = verbsOf(buildProgram());
  const shared = sharedOptions(verbs);
  const isShared = (option: Option) => shared.has(option.flags);
  const clients = verbs.filter(isClient);
  const [first] = clients;
  const parts = verbs.map((verb) =>
    section(
      `\`proglog ${verb.name}\``,
      verb.options.filter((option) => !isClient(verb) || !isShared(option)),
    )
  );
  const common = section(
    `Verbs that talk to an agent: ${
      clients.map(({ name }) => `\`${name}\``).join(", ")
    }`,
    first?.options.filter(isShared) ?? [],
  );
  return [common, ...parts].filter((part) => part !== "").join("\n");
}

function verbsOf(command: Command, path: readonly string[] = []): Verb[] {
  const below = command.commands.flatMap((child) =>
    verbsOf(child, [...path, child.name()])
  );
  if (path.length === 0) return below;
  return [{ name: path.join(" "), options: command.options }, ...below];
}

/** Flags that every verb that talks to an agent has. */
function sharedOptions(verbs: readonly Verb[]): ReadonlySet<string> {
  const [first, ...others] = verbs.filter(isClient).map(flagsOf);
  return others.reduce<ReadonlySet<string>>(
    (common, flags) => common.intersection(flags),
    first ?? new Set(),
  );
}

function isClient({ options }: Verb): boolean {
  return options.some((option) => option.name() === "addr");
}

function flagsOf({ options }: Verb): Set<string> {
  return new Set(options.map(({ flags }) => flags));
}

function section(title: string, options: readonly Option[]): string {
  if (options.length === 0) return "";
  const rows = options.map((option) => [
    `\`${option.flags}\``,
    option.description,
    defaultOf(option),
    `\`${environmentNameOf(option)}\``,
  ]);
  const table = alignedTable([
    ["flag", "meaning", "default", "environment"],
    ...rows,
  ]);
  return `### ${title}\n\n${table}`;
}

function defaultOf(option: Option): string {
  const { defaultValue, defaultValueDescription, argChoices } = option;
  const value = defaultValueDescription ??
    (defaultValue === undefined || defaultValue === false
      ? ""
      : portable(String(defaultValue)));
  const choices = argChoices === undefined ? "" : `; ${argChoices.join(", ")}`;
  return value === "" ? "" : `${value}${choices}`;
}

/** Paths as they look without CONFIG_DIR, whoever runs this. */
function portable(text: string): string {
  const env = (name: string) => Deno.env.get(name);
  return text.replace(configDirectory(env), "~/.proglog")
    .replace(join(env("HOME") || ".", ".proglog"), "~/.proglog");
}

/** As the formatter wants it: each column as wide as its widest cell. */
function alignedTable([head = [], ...rows]: readonly Row[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0))
  );
  const line = (cells: Row) =>
    `| ${
      cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")
    } |\n`;
  const rule = widths.map((width) => "-".repeat(width));
  return [head, rule, ...rows].map(line).join("");
}

if (import.meta.main) {
  const page = readOperationsPage();
  const made = withFlagsTables(page);
  if (Deno.args.includes("--check")) Deno.exit(page === made ? 0 : 1);
  Deno.writeTextFileSync(PAGE, made);
}
