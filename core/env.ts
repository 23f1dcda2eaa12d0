/**
 * What the cores and loops need from the world, as interfaces only. The agent
 * passes the real ones (`net/os`), the simulator passes its own (`tests/sim`).
 */

/** Wall-clock time in milliseconds since the epoch, and a monotonic clock. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z; may jump. */
  wallMs(): number;
  /** Milliseconds since some fixed moment; never goes back. */
  monotonicMs(): number;
}

/** Timers. A callback runs once, never synchronously inside `after`. */
export interface Scheduler {
  /** Runs `callback` after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** A source of chance that a seed can replay. */
export interface Random {
  /** A whole number from 0 to 2^32 - 1. */
  nextU32(): number;
}

/**
 * Files, with their durability promises:
 * 1. What `writeAt` wrote is visible to `readAt` at once, and survives a crash
 *    only if a later `sync()` of the same file resolved.
 * 2. A created, renamed or removed name survives a crash only if a later
 *    `syncDir()` of its directory resolved.
 * 3. After a crash an unsynced write may be there in whole, in part or not at all.
 * 4. A `sync()` that rejected promises nothing, also for earlier writes that
 *    were not yet synced: the file must be read again before it is believed.
 * Reads and writes are synchronous (measured: 20 to 50 times cheaper than
 * awaited ones); only `sync` waits for the device.
 */
export interface Disk {
  /**
   * Opens for reading and writing. `mode` "create" fails with `already_exists`
   * if the file is there, "existing" with `not_found` if it is not.
   */
  open(
    path: string,
    mode: "create" | "existing" | "create_or_existing",
  ): DiskFile;
  /** Names in a directory, sorted; `not_found` if there is no directory. */
  list(directory: string): DirectoryEntry[];
  /** Makes a directory and its parents; no error if it is there. */
  makeDirectory(path: string): void;
  exists(path: string): boolean;
  remove(path: string): void;
  /** Replaces `to` if it is there. A crash leaves the old name or the new one. */
  rename(from: string, to: string): void;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Takes an exclusive lock file; `locked` if another process holds it. */
  lock(path: string): { release(): void };
  /** Free bytes on the file system of `path` for this user. */
  freeBytes(path: string): number;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: "file" | "directory" | "other";
}

export interface DiskFile {
  /** Bytes in the file now. */
  size(): number;
  /** Reads up to `into.length` bytes; returns how many (short only at the end). */
  readAt(into: Uint8Array, position: number): number;
  /**
   * Writes all of `bytes`, or throws `disk_full` or `disk_failed`; after a
   * throw an unknown prefix of them may be in the file.
   */
  writeAt(bytes: Uint8Array, position: number): void;
  truncate(size: number): void;
  /** fdatasync: see promise 1 and 4 above. */
  sync(): Promise<void>;
  close(): void;
}
