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

/** Bytes that grow in place, so that a long history of small writes is cheap. */
class GrowingBytes {
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** A view of all bytes, valid until the next change. */
  get view(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#size);
  }

  apply(change: Change): void {
    if (change.kind === "write") {
      const { position, bytes } = change;
      this.#resize(Math.max(this.#size, position + bytes.length));
      this.#buffer.set(bytes, position);
    } else this.#resize(change.size);
  }

  #resize(size: number): void {
    if (size > this.#buffer.length) {
      const grown = new Uint8Array(
        Math.max(size, this.#buffer.length * 2, 256),
      );
      grown.set(this.view);
      this.#buffer = grown;
    }
    if (size < this.#size) this.#buffer.fill(0, size, this.#size);
    this.#size = size;
  }
}

export class MemoryInode {
  #live = new GrowingBytes();
  #durable = new GrowingBytes();
  #pending: Change[] = [];

  get size(): number {
    return this.#live.size;
  }

  get content(): Uint8Array<ArrayBuffer> {
    return this.#live.view.slice();
  }

  read(into: Uint8Array, position: number): number {
    const end = Math.min(this.size, position + into.length);
    if (end <= position) return 0;
    into.set(this.#live.view.subarray(position, end));
    return end - position;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    this.#change({ kind: "write", position, bytes: bytes.slice() });
  }

  truncate(size: number): void {
    this.#change({ kind: "truncate", size });
  }

  /** The changes so far; `makeDurable` or `forget` ends their waiting. */
  pendingNow(): number {
    return this.#pending.length;
  }

  makeDurable(count: number): void {
    for (const change of this.#pending.splice(0, count)) {
      this.#durable.apply(change);
    }
  }

  /** After a failed sync: seen by programs, never sent to the device. */
  forget(count: number): void {
    this.#pending.splice(0, count);
  }

  /** What is left after a power loss: each change whole, in part or not at all. */
  crash(random: Random): void {
    for (const change of this.#pending) {
      for (const part of survivingParts(change, random)) {
        this.#durable.apply(part);
      }
    }
    this.#adopt(this.#durable.view);
  }

  /** What is left after kill -9: the system keeps all that was written. */
  keepAll(): void {
    this.makeDurable(this.#pending.length);
  }

  /** Replaces the content, on the device too: for tests that damage bytes. */
  replace(content: Uint8Array): void {
    this.#adopt(content);
  }

  #change(change: Change): void {
    this.#live.apply(change);
    this.#pending.push(change);
  }

  #adopt(content: Uint8Array): void {
    const bytes = content.slice();
    this.#live = new GrowingBytes();
    this.#durable = new GrowingBytes();
    const change: Change = { kind: "write", position: 0, bytes };
    this.#live.apply(change);
    this.#durable.apply(change);
    this.#pending = [];
  }
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
