/**
 * The real `Disk`: positional synchronous reads and writes through `node:fs`,
 * and `fdatasync` on the runtime's thread pool. Translates the errors of the
 * system into ours; the promises are those of core/env.ts.
 */

import * as fs from "node:fs";
import { promisify } from "node:util";
import { ProglogError } from "../../core/errors.ts";
import type { DirectoryEntry, Disk, DiskFile } from "../../core/env.ts";

const fdatasync = promisify(fs.fdatasync);
const fsync = promisify(fs.fsync);

const { O_CREAT, O_EXCL, O_RDWR } = fs.constants;
const OPEN_FLAGS = {
  create: O_RDWR | O_CREAT | O_EXCL,
  existing: O_RDWR,
  create_or_existing: O_RDWR | O_CREAT,
} as const;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

export function createDisk(): Disk {
  return {
    open: openFile,
    list: listDirectory,
    makeDirectory: (path) =>
      attempt("create directory", path, () => {
        fs.mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
      }),
    exists: (path) => fs.existsSync(path),
    remove: (path) => attempt("remove", path, () => fs.unlinkSync(path)),
    rename: (from, to) =>
      attempt("rename", from, () => fs.renameSync(from, to)),
    syncDirectory,
    lock: lockFile,
    freeBytes: (path) =>
      attempt("read free space of", path, () => {
        const { bavail, bsize } = fs.statfsSync(path);
        return bavail * bsize;
      }),
  };
}

function openFile(path: string, mode: keyof typeof OPEN_FLAGS): DiskFile {
  const descriptor = attempt(
    "open",
    path,
    () => fs.openSync(path, OPEN_FLAGS[mode], FILE_MODE),
  );
  return new OsFile(path, descriptor);
}

class OsFile implements DiskFile {
  readonly #path: string;
  readonly #descriptor: number;

  constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
  }

  size(): number {
    return attempt(
      "read size of",
      this.#path,
      () => fs.fstatSync(this.#descriptor).size,
    );
  }

  readAt(into: Uint8Array, position: number): number {
    return attempt("read", this.#path, () => {
      let done = 0;
      while (done < into.length) {
        const count = fs.readSync(
          this.#descriptor,
          into,
          done,
          into.length - done,
          position + done,
        );
        if (count === 0) break;
        done += count;
      }
      return done;
    });
  }

  writeAt(bytes: Uint8Array, position: number): void {
    attempt("write", this.#path, () => {
      let done = 0;
      while (done < bytes.length) {
        done += fs.writeSync(
          this.#descriptor,
          bytes,
          done,
          bytes.length - done,
          position + done,
        );
      }
    });
  }

  truncate(size: number): void {
    attempt(
      "truncate",
      this.#path,
      () => fs.ftruncateSync(this.#descriptor, size),
    );
  }

  async sync(): Promise<void> {
    try {
      await fdatasync(this.#descriptor);
    } catch (error) {
      throw diskError("sync", this.#path, error);
    }
  }

  close(): void {
    attempt("close", this.#path, () => fs.closeSync(this.#descriptor));
  }
}

function listDirectory(directory: string): DirectoryEntry[] {
  const entries = attempt(
    "list",
    directory,
    () => fs.readdirSync(directory, { withFileTypes: true }),
  );
  return entries
    .map((entry): DirectoryEntry => ({
      name: entry.name,
      kind: entry.isFile()
        ? "file"
        : entry.isDirectory()
        ? "directory"
        : "other",
    }))
    .sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

async function syncDirectory(path: string): Promise<void> {
  const descriptor = attempt(
    "open directory",
    path,
    () => fs.openSync(path, "r"),
  );
  try {
    await fsync(descriptor);
  } catch (error) {
    throw diskError("sync directory", path, error);
  } finally {
    fs.closeSync(descriptor);
  }
}

/**
 * An exclusive advisory lock (flock) on a file that stays in place: removing it
 * would let two processes hold locks on two files of one name. The system
 * releases it when the process ends, however it ends.
 */
function lockFile(path: string): { release(): void } {
  const file = attempt(
    "open lock",
    path,
    () => Deno.openSync(path, { create: true, write: true, mode: FILE_MODE }),
  );
  if (!attempt("lock", path, () => file.tryLockSync(true))) {
    file.close();
    throw new ProglogError(
      "locked",
      `Cannot lock ${path} as another process holds it`,
      { details: { file: path } },
    );
  }
  return { release: () => file.close() };
}

function attempt<T>(action: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw diskError(action, path, error);
  }
}

function diskError(action: string, path: string, cause: unknown): ProglogError {
  const systemCode = systemCodeOf(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ProglogError(
    codeFor(systemCode),
    `Cannot ${action} ${path} as the system says: ${message}`,
    { details: { file: path, systemCode }, cause },
  );
}

function systemCodeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause &&
      typeof cause.code === "string"
    ? cause.code
    : "";
}

function codeFor(systemCode: string) {
  switch (systemCode) {
    case "ENOSPC":
    case "EDQUOT":
      return "disk_full";
    case "ENOENT":
      return "not_found";
    case "EEXIST":
      return "already_exists";
    default:
      return "disk_failed";
  }
}
