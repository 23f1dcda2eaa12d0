/**
 * The files in the configuration directory: their names, where they are and how
 * they are written (whole or not at all, private keys for the owner only).
 * Callers: pki.ts, cli.
 */
import { basename, dirname, join } from "node:path";
import { ProglogError } from "../../core/errors.ts";

/** Names as in the book; `peer*`, `ca-key.pem` and `gossip.key` are ours. */
export const SECURITY_FILES = {
  authority: { certificate: "ca.pem", key: "ca-key.pem" },
  server: { certificate: "server.pem", key: "server-key.pem" },
  peer: { certificate: "peer.pem", key: "peer-key.pem" },
  rootClient: { certificate: "root-client.pem", key: "root-client-key.pem" },
  nobodyClient: {
    certificate: "nobody-client.pem",
    key: "nobody-client-key.pem",
  },
  aclModel: "model.conf",
  aclPolicy: "policy.csv",
  gossipKey: "gossip.key",
} as const;

export const PRIVATE_MODE = 0o600;
export const PUBLIC_MODE = 0o644;

export interface WrittenFile {
  readonly path: string;
  /** When the certificate ends; undefined for keys and other files. */
  readonly validUntilMs?: number;
}

export interface PlannedFile extends WrittenFile {
  readonly text: string;
  readonly mode: number;
}

/** `$CONFIG_DIR`, else `~/.proglog`, as in the book. */
export function configDirectory(
  env: (name: string) => string | undefined,
): string {
  const explicit = env("CONFIG_DIR");
  if (explicit !== undefined && explicit !== "") return explicit;
  const home = env("HOME");
  return home === undefined || home === ""
    ? ".proglog"
    : join(home, ".proglog");
}

export function refuseExisting(
  directory: string,
  plan: readonly PlannedFile[],
): void {
  const existing = plan.filter(({ path }) => isThere(path))
    .map(({ path }) => basename(path));
  if (existing.length === 0) return;
  throw new ProglogError(
    "already_exists",
    `Cannot write to ${directory} as these files are there: ${
      existing.join(", ")
    }`,
    { details: { directory, kind: "certificate" } },
  );
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export function makePrivateDirectory(directory: string): void {
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  Deno.chmodSync(directory, 0o700);
}

/** A reader sees the old file or the whole new one. */
export function writeAtomically(file: PlannedFile): void {
  const temporary = Deno.makeTempFileSync({ dir: dirname(file.path) });
  Deno.writeTextFileSync(temporary, file.text);
  Deno.chmodSync(temporary, file.mode);
  Deno.renameSync(temporary, file.path);
}

export function withoutText({ path, validUntilMs }: PlannedFile): WrittenFile {
  return validUntilMs === undefined ? { path } : { path, validUntilMs };
}
