/** A power loss, and what it took: names, whole writes, parts of writes. */
import type { Random } from "../../core/env.ts";
import type { MemoryDisk } from "../support/memory_disk.ts";

export function crashDisk(
  disk: MemoryDisk,
  { random, saw }: { random: Random; saw: (sight: string) => void },
): void {
  const before = contentsOf(disk);
  disk.crash(random);
  const after = contentsOf(disk);
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const had = before.get(path);
    const has = after.get(path);
    if (had === undefined || has === undefined) {
      saw("lost_name");
    } else if (!startsWith(had, has)) saw("torn_write");
    else if (has.length < had.length) saw("lost_write");
  }
}

function contentsOf(disk: MemoryDisk): Map<string, Uint8Array> {
  return new Map(disk.paths().map((path) => [path, disk.contentOf(path)]));
}

function startsWith(whole: Uint8Array, start: Uint8Array): boolean {
  return start.length <= whole.length &&
    start.every((byte, at) => byte === whole[at]);
}
