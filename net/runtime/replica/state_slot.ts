/**
 * Bytes of a state file (state_file.ts draws it): the slots with term, vote and
 * identity, and the hint. Checks what it reads; knows no file.
 */
import { assert } from "../../../core/assert.ts";
import {
  allocateWindow,
  type ByteWindow,
  readU64,
  writeU64,
} from "../../../core/bytes.ts";
import { crc32 } from "../../../core/crc32.ts";
import { term } from "../../../core/ids.ts";
import type { NodeId } from "../../../core/raft/configuration.ts";
import type { HardState } from "../../../core/raft/ready.ts";

export const SLOT_BYTES = 1024;
export const HINT_BYTES = 16;
const SLOT_MAGIC = 0x706c7601;
const HINT_MAGIC = 0x706c6801;
const ID_AT = 24;
const VOTE_AT = 512;
const ID_BYTES_MAX = 255;

export interface Slot extends HardState {
  readonly generation: number;
  readonly nodeId: NodeId;
}

export function encodeSlot(slot: Slot): Uint8Array {
  const window = allocateWindow(SLOT_BYTES);
  const { bytes, view } = window;
  view.setUint32(0, SLOT_MAGIC);
  writeU64(view, 8, slot.generation);
  writeU64(view, 16, slot.term);
  writeText(window, ID_AT, slot.nodeId);
  writeText(window, VOTE_AT, slot.votedFor ?? "");
  view.setUint32(4, crc32(bytes.subarray(8)));
  return bytes;
}

export function decodeSlot(window: ByteWindow): Slot | undefined {
  const { bytes, view } = window;
  if (view.getUint32(0) !== SLOT_MAGIC) return undefined;
  if (view.getUint32(4) !== crc32(bytes.subarray(8))) return undefined;
  const votedFor = readText(window, VOTE_AT);
  return {
    generation: readU64(view, 8),
    term: term(readU64(view, 16)),
    nodeId: readText(window, ID_AT),
    votedFor: votedFor === "" ? undefined : votedFor,
  };
}

/** 0 when it cannot be believed. */
export function decodeHint({ bytes, view }: ByteWindow): number {
  if (view.getUint32(0) !== HINT_MAGIC) return 0;
  if (view.getUint32(4) !== crc32(bytes.subarray(8))) return 0;
  return readU64(view, 8);
}

export function encodeHint(commitIndex: number): Uint8Array {
  const { bytes, view } = allocateWindow(HINT_BYTES);
  view.setUint32(0, HINT_MAGIC);
  writeU64(view, 8, commitIndex);
  view.setUint32(4, crc32(bytes.subarray(8)));
  return bytes;
}

function writeText({ bytes }: ByteWindow, at: number, text: string): void {
  const encoded = new TextEncoder().encode(text);
  assert(
    encoded.length <= ID_BYTES_MAX,
    `Cannot store an id of ${encoded.length} bytes as ${ID_BYTES_MAX} is the limit`,
  );
  bytes[at] = encoded.length;
  bytes.set(encoded, at + 1);
}

function readText({ bytes }: ByteWindow, at: number): string {
  const length = bytes[at] ?? 0;
  return new TextDecoder().decode(bytes.subarray(at + 1, at + 1 + length));
}
