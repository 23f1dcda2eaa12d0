/**
 * A disk in memory that breaks on request: it loses what was not synced, tears
 * writes, runs full, fails its Nth operation, and holds syncs back. Everything
 * it does by chance comes from the `Random` it is given.
 */

import { ProglogError } from "../../core/errors.ts";
import type { DirectoryEntry, Disk, DiskFile, Random } from "../../core/env.ts";
import { MemoryInode } from "./memory_inode.ts";

/** What `failOperation` counts: all operations are one or the other. */
export type OperationKind = "read" | "write" | "sync";

/** Names that change together: both of a rename, one of anything else. */
type NameChange = readonly {
  readonly path: string;
  readonly inode: MemoryInode | null;
}[];

export class MemoryDisk implements Disk {
  /** Bytes that all files together may hold. */
  capacityBytes = Infinity;
  /** Fails the operation that makes `operationCount` reach this number. */
  failOperation = Infinity;
  /** Which operations are counted. */
  countedKinds: readonly OperationKind[] = ["read", "write", "sync"];
  operationCount = 0;
  openFiles = 0;
  /** Awaited by each sync between its begin and its effect. */
  beforeSync: () => Promise<void> = () => Promise.resolve();
  readonly #directories = new Set<string>();
  readonly #live = new Map<string, MemoryInode>();
  readonly #durable = new Map<string, MemoryInode>();
  readonly #pendingNames = new Map<string, NameChange[]>();
  readonly #locks = new Set<string>();
  #epoch = 0;

  open(
    path: string,
    mode: "create" | "existing" | "create_or_existing",
  ): DiskFile {
    this.#count(mode === "existing" ? "read" : "write", "open", path);
    const found = this.#live.get(path);
    if (found === undefined && mode === "existing") throw notFound(path);
    if (found !== undefined && mode === "create") {
      throw new ProglogError("already_exists", `Cannot create ${path}`);
    }
    const inode = found ?? new MemoryInode();
    if (found === undefined) this.#setName(path, inode);
    return this.#handle(path, inode);
  }

  list(directory: string): DirectoryEntry[] {
    this.#count("read", "list", directory);
    if (!this.#directories.has(directory)) throw notFound(directory);
    const prefix = `${directory}/`;
    return [...this.#live.keys()]
      .filter((path) => path.startsWith(prefix))
      .map((
        path,
      ) => ({ name: path.slice(prefix.length), kind: "file" } as const))
      .sort((a, b) => a.name < b.name ? -1 : 1);
  }

  makeDirectory(path: string): void {
    this.#count("write", "make directory", path);
    this.#directories.add(path);
  }

  exists(path: string): boolean {
    return this.#live.has(path) || this.#directories.has(path);
  }

  remove(path: string): void {
    this.#count("write", "remove", path);
    if (!this.#live.has(path)) throw notFound(path);
    this.#setName(path, null);
  }

  rename(from: string, to: string): void {
    this.#count("write", "rename", from);
    const inode = this.#live.get(from);
    if (inode === undefined) throw notFound(from);
    this.#live.set(to, inode);
    this.#live.delete(from);
    // One transaction of the file system: no crash loses both names.
    this.#addChange([{ path: to, inode }, { path: from, inode: null }]);
  }

  async syncDirectory(path: string): Promise<void> {
    this.#count("sync", "sync directory", path);
    const epoch = this.#epoch;
    const changes = this.#pendingNames.get(path) ?? [];
    const count = changes.length;
    await this.beforeSync();
    this.#checkEpoch(epoch);
    for (const change of changes.splice(0, count)) this.#keepName(change);
  }

  lock(path: string): { release(): void } {
    this.#count("write", "lock", path);
    if (this.#locks.has(path)) {
      throw new ProglogError("locked", `Cannot lock ${path}`);
    }
    if (!this.#live.has(path)) this.#setName(path, new MemoryInode());
    this.#locks.add(path);
    const epoch = this.#epoch;
    return {
      release: () => {
        if (epoch === this.#epoch) this.#locks.delete(path);
      },
    };
  }

  freeBytes(_path: string): number {
    return this.capacityBytes - this.#usedBytes();
  }

  /** Power loss: unsynced writes and names survive in any part. */
  crash(random: Random): void {
    this.#end();
    for (const changes of this.#pendingNames.values()) {
      for (const change of changes) {
        if (random.nextU32() % 2 === 0) this.#keepName(change);
      }
    }
    this.#pendingNames.clear();
    const inodes = new Set([...this.#live.values(), ...this.#durable.values()]);
    for (const inode of inodes) inode.crash(random);
    this.#live.clear();
    for (const [path, inode] of this.#durable) this.#live.set(path, inode);
  }

  /** kill -9: the process is gone, the system keeps everything. */
  kill(): void {
    this.#end();
    for (const changes of this.#pendingNames.values()) {
      for (const change of changes) this.#keepName(change);
    }
    this.#pendingNames.clear();
    for (const inode of this.#live.values()) inode.keepAll();
  }

  /** Names of all files, sorted. */
  paths(): string[] {
    return [...this.#live.keys()].sort();
  }

  contentOf(path: string): Uint8Array<ArrayBuffer> {
    const inode = this.#live.get(path);
    if (inode === undefined) throw notFound(path);
    return inode.content;
  }

  /** Puts a file there, durably. */
  put(path: string, content: Uint8Array): void {
    const inode = this.#live.get(path) ?? new MemoryInode();
    inode.replace(content);
    this.#live.set(path, inode);
    this.#durable.set(path, inode);
  }

  /** A copy of the files as programs see them, all durable. */
  clone(): MemoryDisk {
    const copy = new MemoryDisk();
    for (const directory of this.#directories) copy.#directories.add(directory);
    for (const [path, inode] of this.#live) copy.put(path, inode.content);
    return copy;
  }

  #end(): void {
    this.#epoch += 1;
    this.#locks.clear();
    this.openFiles = 0;
    this.operationCount = 0;
    this.failOperation = Infinity;
  }

  #setName(path: string, inode: MemoryInode | null): void {
    if (inode === null) this.#live.delete(path);
    else this.#live.set(path, inode);
    this.#addChange([{ path, inode }]);
  }

  #addChange(change: NameChange): void {
    const path = change[0]?.path ?? "";
    const directory = path.slice(0, path.lastIndexOf("/"));
    const changes = this.#pendingNames.get(directory) ?? [];
    changes.push(change);
    this.#pendingNames.set(directory, changes);
  }

  #keepName(change: NameChange): void {
    for (const { path, inode } of change) {
      if (inode === null) this.#durable.delete(path);
      else this.#durable.set(path, inode);
    }
  }

  #handle(path: string, inode: MemoryInode): DiskFile {
    const epoch = this.#epoch;
    let isOpen = true;
    this.openFiles += 1;
    const use = (kind: OperationKind, action: string) => {
      this.#checkEpoch(epoch);
      if (!isOpen) throw failed(action, path, "the file was closed");
      this.#count(kind, action, path);
    };
    return {
      size: () => {
        use("read", "read size of");
        return inode.size;
      },
      readAt: (into, position) => {
        use("read", "read");
        return inode.read(into, position);
      },
      writeAt: (bytes, position) => {
        this.#checkEpoch(epoch);
        if (!isOpen) throw failed("write", path, "the file was closed");
        this.#write(path, inode, { bytes, position });
      },
      truncate: (size) => {
        use("write", "truncate");
        inode.truncate(size);
      },
      sync: async () => {
        this.#checkEpoch(epoch);
        if (!isOpen) throw failed("sync", path, "the file was closed");
        const count = inode.pendingNow();
        try {
          this.#count("sync", "sync", path);
        } catch (error) {
          inode.forget(count);
          throw error;
        }
        await this.beforeSync();
        this.#checkEpoch(epoch);
        inode.makeDurable(count);
      },
      close: () => {
        if (epoch !== this.#epoch) return;
        if (!isOpen) throw failed("close", path, "it was closed before");
        isOpen = false;
        this.openFiles -= 1;
      },
    };
  }

  #write(
    path: string,
    inode: MemoryInode,
    { bytes, position }: {
      readonly bytes: Uint8Array;
      readonly position: number;
    },
  ): void {
    try {
      this.#count("write", "write", path);
    } catch (error) {
      inode.write(bytes.subarray(0, bytes.length >> 1), position);
      throw error;
    }
    const growth = Math.max(0, position + bytes.length - inode.size);
    const free = this.capacityBytes === Infinity
      ? Infinity
      : this.capacityBytes - this.#usedBytes();
    if (growth > free) {
      const kept = Math.max(0, bytes.length - (growth - Math.max(0, free)));
      inode.write(bytes.subarray(0, kept), position);
      throw new ProglogError("disk_full", `Cannot write ${path}: disk full`);
    }
    inode.write(bytes, position);
  }

  #count(kind: OperationKind, action: string, path: string): void {
    if (!this.countedKinds.includes(kind)) return;
    this.operationCount += 1;
    if (this.operationCount === this.failOperation) {
      throw failed(action, path, "the test asked for it");
    }
  }

  #checkEpoch(epoch: number): void {
    if (epoch !== this.#epoch) {
      throw new ProglogError("disk_failed", "The process has ended");
    }
  }

  #usedBytes(): number {
    let used = 0;
    for (const inode of new Set(this.#live.values())) used += inode.size;
    return used;
  }
}

function notFound(path: string): ProglogError {
  return new ProglogError("not_found", `Cannot find ${path}`);
}

function failed(action: string, path: string, reason: string): ProglogError {
  return new ProglogError(
    "disk_failed",
    `Cannot ${action} ${path} as ${reason}`,
  );
}
