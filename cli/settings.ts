/**
 * Options that are not on the command line: from the environment (PROGLOG_ADDR
 * for --addr), then from the config file (addr:), then the default. All forms of
 * an option go through the same parser. Caller: main.ts, before each verb.
 */
import { type Command, CommanderError, type Option } from "commander";
import {
  type ConfigFile,
  type ConfigValue,
  readConfigFile,
} from "./config_file.ts";
import { nearest } from "./nearest.ts";

export interface SettingsSources {
  readonly env: (name: string) => string | undefined;
  /** All option names of all verbs: one file may serve several of them. */
  readonly knownKeys: ReadonlySet<string>;
}

/** Options that make no sense in an environment or a file. */
const NOT_SETTINGS = ["help", "version"];

/** Fills in what the command line left open; ends with a usage error (exit 2). */
export function applySettings(
  command: Command,
  sources: SettingsSources,
): void {
  const options = command.options.filter((option) =>
    !NOT_SETTINGS.includes(option.name())
  );
  for (const option of options) applyEnvironment(command, option, sources);
  const path = command.opts()["configFile"];
  if (typeof path !== "string") return;
  const file = readConfigFile(path);
  refuseUnknownKeys(command, { path, file, knownKeys: sources.knownKeys });
  for (const option of options) applyFile(command, { option, path, file });
}

/** "--tls-cert-file" is PROGLOG_TLS_CERT_FILE. */
export function environmentNameOf(option: Option): string {
  return `PROGLOG_${option.name().toUpperCase().replaceAll("-", "_")}`;
}

/** Names of all options in a tree of commands. */
export function optionNamesOf(command: Command): Set<string> {
  const own = command.options.map((option) => option.name());
  const below = command.commands.flatMap((child) => [...optionNamesOf(child)]);
  const names = [...own, ...below].filter((name) =>
    !NOT_SETTINGS.includes(name)
  );
  return new Set(names);
}

function applyEnvironment(
  command: Command,
  option: Option,
  { env }: SettingsSources,
): void {
  const name = environmentNameOf(option);
  const text = env(name);
  if (text === undefined || text === "" || !isOpen(command, option)) return;
  const value = parseOr(command, {
    option,
    text,
    origin: `environment variable ${name}`,
  });
  command.setOptionValueWithSource(option.attributeName(), value, "env");
}

function applyFile(
  command: Command,
  from: { option: Option; path: string; file: ConfigFile },
): void {
  const { option, path, file } = from;
  const raw = file.get(option.name());
  const source = command.getOptionValueSource(option.attributeName());
  if (raw === undefined || source === "cli" || source === "env") return;
  const origin = `key ${option.name()} in ${path}`;
  const text = textOf(raw);
  const value = parseOr(command, { option, text, origin });
  command.setOptionValueWithSource(option.attributeName(), value, "config");
}

function isOpen(command: Command, option: Option): boolean {
  return command.getOptionValueSource(option.attributeName()) !== "cli";
}

/** A list reads like the option given many times. */
function textOf(value: ConfigValue): string {
  return Array.isArray(value) ? value.join(",") : String(value);
}

function parseOr(
  command: Command,
  from: { option: Option; text: string; origin: string },
): unknown {
  const { option, text, origin } = from;
  if (option.isBoolean() || option.negate) {
    const value = BOOLEANS.get(text.toLowerCase());
    if (value !== undefined) return option.negate ? !value : value;
    return command.error(
      `the ${origin} is "${text}", which is not true or false`,
    );
  }
  try {
    return option.parseArg === undefined
      ? text
      : option.parseArg(text, undefined);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return command.error(`the ${origin} cannot be used: ${error.message}`);
  }
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["yes", true],
  ["1", true],
  ["false", false],
  ["no", false],
  ["0", false],
]);

function refuseUnknownKeys(
  command: Command,
  from: { path: string; file: ConfigFile; knownKeys: ReadonlySet<string> },
): void {
  for (const key of from.file.keys()) {
    if (from.knownKeys.has(key)) continue;
    const guess = nearest(key, from.knownKeys);
    const hint = guess === undefined ? "" : ` Did you mean ${guess}?`;
    command.error(`the key ${key} in ${from.path} is not known.${hint}`);
  }
}
