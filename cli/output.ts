/**
 * Text out: results on stdout, failures on stderr in the form
 * `proglog: what happened. What to do next`. A reader that went away (`| head`)
 * ends the program quietly. Callers: every verb, main.ts.
 */
import { AssertionError } from "../core/assert.ts";
import { isProglogError, type ProglogError } from "../core/errors.ts";

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

export interface Failure {
  readonly text: string;
  readonly exitCode: number;
}

/** Writes all of it to stdout; waits while the reader is slow. */
export function writeOut(data: string | Uint8Array): void {
  if (writeTo(Deno.stdout, data) === "reader_gone") Deno.exit(EXIT.ok);
}

export function printLine(text: string): void {
  writeOut(`${text}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value));
}

/** Writes a failure, which is a whole line already, to stderr. */
export function printError(text: string): void {
  writeTo(Deno.stderr, `${text}\n`);
}

/** For remarks and warnings, which must not mix with results. */
export function printRemark(text: string): void {
  writeTo(Deno.stderr, `proglog: ${text}\n`);
}

function writeTo(
  stream: { writeSync(bytes: Uint8Array): number },
  data: string | Uint8Array,
): "written" | "reader_gone" {
  let rest = typeof data === "string" ? new TextEncoder().encode(data) : data;
  try {
    while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
    return "written";
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return "reader_gone";
    throw error;
  }
}

/** Turns whatever a verb threw into words and an exit code. Pure. */
export function describeFailure(error: unknown): Failure {
  if (isProglogError(error)) {
    return {
      text: sentence(error.message, hintFor(error)),
      exitCode: EXIT.failed,
    };
  }
  const stack = error instanceof Error
    ? error.stack ?? error.message
    : String(error);
  const what = error instanceof AssertionError
    ? "a check failed"
    : "an unexpected error";
  return {
    text:
      `proglog: ${what}, which is a fault in proglog itself. Please report it with this text:\n${stack}`,
    exitCode: EXIT.failed,
  };
}

function sentence(what: string, hint: string): string {
  return `proglog: ${what.replace(/\.$/, "")}. ${hint}`;
}

/** What to do next, by what went wrong. */
function hintFor(error: ProglogError): string {
  const kind = error.details["kind"];
  if (kind === "certificate" && error.code === "not_found") {
    return "Make certificates with `proglog certs init`, or name others with the --tls flags";
  }
  if (kind === "certificate" && error.code === "already_exists") {
    return "Use --force to replace all of them, which makes certificates of the old authority useless";
  }
  if (kind === "log_files") {
    return "Keep the files, and let this node start from an empty directory if the others have the records";
  }
  return HINTS[error.code];
}

const HINTS: Readonly<Record<ProglogError["code"], string>> = {
  already_exists: "Choose another name or remove it first",
  cancelled: "Run the command again",
  corrupt:
    "Look at the damage with `proglog log verify DIR` before anything else",
  deadline_exceeded:
    "Try again, wait longer with --timeout, or look at the cluster with `proglog status`",
  disk_full: "Free space on that disk or lower --retention-bytes",
  disk_failed: "Check the disk and the rights of its directory",
  invalid_argument: "Correct it and run the command again",
  locked: "Stop the other process first, or use another --data-dir",
  not_found: "Check the name",
  not_leader:
    "Try again: the cluster is choosing a leader; `proglog servers` shows it",
  offset_out_of_range:
    "Use `earliest` or `latest`, or see the range with `proglog status`",
  out_of_order:
    "Start over with a new producer id, as this one skipped a sequence",
  overloaded: "Try again with less at a time",
  permission_denied:
    "Permit it in the agent's policy.csv, or use another certificate with --tls-cert-file",
  too_large: "Send less at a time, or raise the agent's --message-bytes-max",
  unauthenticated:
    "Use a certificate of this cluster with --tls-cert-file, --tls-key-file and --tls-ca-file",
  unavailable:
    "Start an agent with `proglog agent`, or name a running one with --addr",
};
