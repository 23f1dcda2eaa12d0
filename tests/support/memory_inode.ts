/**
 * The bytes of one file on the crashable disk: what programs see, what the
 * device holds, and the changes in between, which a crash may keep in any part.
 */

import type { Random } from "../../core/env.ts";

const SECTOR_BYTES = 512;

type Change =
  | {
    readonly kind: "write";
    readonly position: number;
    readonly bytes: Uint8Array;
  }
  | { readonly kind: "truncate"; readonly size: number };

export class MemoryInode {
  #live: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #size = 0;
  #durable: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #pending: Change[] = [];

  get size(): number {
    return this.#size;
  }

  get content(): Uint8Array<ArrayBuffer> {
    return this.#live.slice(0, this.#size);
  }

  read(into: Uint8Array, position: number): number {
    const end = Math.min(this.#size, position + into.length);
    if (end <= position) return 0;
    into.set(this.#live.subarray(position, end));
    return end - position;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    this.#grow(position + bytes.length);
    this.#live.set(bytes, position);
    this.#pending.push({ kind: "write", position, bytes: bytes.slice() });
  }

  truncate(size: number): void {
    this.#grow(size);
    this.#live.fill(0, size, Math.max(size, this.#size));
    this.#size = size;
    this.#pending.push({ kind: "truncate", size });
  }

  /** The changes so far; `makeDurable` or `forget` ends their waiting. */
  pendingNow(): number {
    return this.#pending.length;
  }

  makeDurable(count: number): void {
    const changes = this.#pending.splice(0, count);
    for (const change of changes) this.#durable = apply(this.#durable, change);
  }

  /** After a failed sync: seen by programs, never sent to the device. */
  forget(count: number): void {
    this.#pending.splice(0, count);
  }

  /** What is left after a power loss: each change whole, in part or not at all. */
  crash(random: Random): void {
    for (const change of this.#pending) {
      for (const part of survivingParts(change, random)) {
        this.#durable = apply(this.#durable, part);
      }
    }
    this.#adopt(this.#durable);
  }

  /** What is left after kill -9: the system keeps all that was written. */
  keepAll(): void {
    this.makeDurable(this.#pending.length);
  }

  /** Replaces the content, on the device too: for tests that damage bytes. */
  replace(content: Uint8Array): void {
    this.#adopt(content.slice());
  }

  #adopt(content: Uint8Array<ArrayBuffer>): void {
    this.#durable = content;
    this.#live = content.slice();
    this.#size = content.length;
    this.#pending = [];
  }

  #grow(size: number): void {
    if (size > this.#live.length) {
      const grown = new Uint8Array(Math.max(size, this.#live.length * 2, 256));
      grown.set(this.#live.subarray(0, this.#size));
      this.#live = grown;
    }
    this.#size = Math.max(this.#size, size);
  }
}

function apply(
  content: Uint8Array<ArrayBuffer>,
  change: Change,
): Uint8Array<ArrayBuffer> {
  const size = change.kind === "truncate"
    ? change.size
    : Math.max(content.length, change.position + change.bytes.length);
  const next = size <= content.length && change.kind === "write"
    ? content
    : new Uint8Array(size);
  if (next !== content) next.set(content.subarray(0, size));
  if (change.kind === "write") next.set(change.bytes, change.position);
  return next;
}

/** All of a change, nothing, a prefix, or some of its sectors. */
function survivingParts(change: Change, random: Random): Change[] {
  const fate = random.nextU32() % 4;
  if (fate === 0) return [];
  if (fate === 1 || change.kind === "truncate") return [change];
  const { position, bytes } = change;
  if (fate === 2) {
    const kept = random.nextU32() % (bytes.length + 1);
    return [{ kind: "write", position, bytes: bytes.subarray(0, kept) }];
  }
  const parts: Change[] = [];
  for (let at = 0; at < bytes.length;) {
    const sectorEnd = SECTOR_BYTES - (position + at) % SECTOR_BYTES;
    const part = bytes.subarray(at, at + sectorEnd);
    if (random.nextU32() % 2 === 0) {
      parts.push({ kind: "write", position: position + at, bytes: part });
    }
    at += part.length;
  }
  return parts;
}
