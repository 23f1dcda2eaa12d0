/**
 * Log lines on stderr, for machines (JSON) or for people (text): the one door to
 * pino. For what happens to a node, never for single records; a disabled level
 * costs one empty call. Callers: net/agent, which passes a Logger to what it builds.
 */
import { type Bindings, type Logger as Pino, pino } from "pino";
import { ProglogError } from "../../core/errors.ts";
import { textLine } from "./log_text.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

/** Plain data, named in snake_case with the unit last; errors under `error`. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** For fields that cost something to compute. */
  isEnabled(level: LogLevel): boolean;
  /** A logger that adds `fields` to every line, such as `{ part: "raft" }`. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes whole lines; stderr when not given. */
  readonly write?: (line: string) => void;
  readonly wallMs?: () => number;
}

export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? writeToStderr;
  const wallMs = options.wallMs ?? Date.now;
  const text = options.format === "text";
  const root = pino({
    level: options.level,
    base: null,
    messageKey: "message",
    timestamp: () => `,"time":"${new Date(wallMs()).toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { error: errorFields },
  }, { write: text ? (line) => write(textLine(line)) : write });
  return new PinoLogger(root);
}

/** Swallows every line: for tests and for clients that want none. */
export function silentLogger(): Logger {
  return createLogger({ level: "silent", format: "json" });
}

class PinoLogger implements Logger {
  readonly #pino: Pino;

  constructor(root: Pino) {
    this.#pino = root;
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#pino.debug(fields, message);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#pino.info(fields, message);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#pino.warn(fields, message);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#pino.error(fields, message);
  }

  isEnabled(level: LogLevel): boolean {
    return this.#pino.isLevelEnabled(level);
  }

  with(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(fields as Bindings));
  }
}

/** Expected failures say what; a stack is only worth its lines for our bugs. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const cause = error.cause === undefined
    ? {}
    : { cause: errorFields(error.cause) };
  return error instanceof ProglogError
    ? { code: error.code, message: error.message, ...error.details, ...cause }
    : {
      name: error.name,
      message: error.message,
      stack: error.stack,
      ...cause,
    };
}

/** A reader of stderr that is gone must not end the node. */
function writeToStderr(line: string): void {
  let rest = new TextEncoder().encode(line);
  try {
    while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch (error) {
    if (isGone(error)) return;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.WouldBlock;
}
