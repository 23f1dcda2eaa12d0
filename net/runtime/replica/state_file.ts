/**
 * The term and vote of a replica, and its identity, on disk. Two slots in one
 * file of fixed size, written in place: a vote needs no free space. Beside them
 * lies a hint, which is never synced.
 *
 *        0   slot      4096   the same slot again      8192   hint
 *
 *   slot, 1024 bytes                      hint, 16 bytes
 *    0  4  magic "plv", version 1          0  4  magic "plh", version 1
 *    4  4  crc: CRC-32 of bytes 8..1024    4  4  crc: CRC-32 of bytes 8..16
 *    8  8  generation, grows by 1          8  8  commit index
 *   16  8  term
 *   24  1  length of the own id, then the id in UTF-8 (to 255 bytes)
 *  512  1  length of the id voted for, 0 for none, then the id in UTF-8
 *
 * Numbers are big-endian. Permanent. Callers: recover.ts, sync_group.ts.
 *
 * Invariants, for no vote to be given twice whatever one damage hits:
 * 1. Both slots have the state, durably, before anything is promised by it.
 * 2. They are never written at once: a crash tears one of them at most.
 * So one whole slot is as new as the last promise, and an older state is read
 * only where nobody was promised the newer one.
 */
import { allocateWindow } from "../../../core/bytes.ts";
import type { Disk, DiskFile } from "../../../core/env.ts";
import { ProglogError } from "../../../core/errors.ts";
import { type LogIndex, logIndex, term } from "../../../core/ids.ts";
import type { NodeId } from "../../../core/raft/configuration.ts";
import type { HardState } from "../../../core/raft/ready.ts";
import {
  decodeHint,
  decodeSlot,
  encodeHint,
  encodeSlot,
  HINT_BYTES,
  type Slot,
  SLOT_BYTES,
} from "./state_slot.ts";

const FILE_NAME = "state";
const SLOT_POSITIONS = [0, 4096] as const;
const HINT_POSITION = 8192;
const FILE_BYTES = 12_288;

/** What a state file says, without opening it for writing. */
export interface StoredState {
  readonly nodeId: NodeId;
  readonly hardState: HardState;
  /** Entries up to here were committed, and durable on this node; 0: unknown. */
  readonly commitHint: LogIndex;
}

export class StateFile {
  readonly #file: DiskFile;
  readonly #nodeId: NodeId;
  #generation: number;

  private constructor(file: DiskFile, slot: Slot) {
    this.#file = file;
    this.#nodeId = slot.nodeId;
    this.#generation = slot.generation;
  }

  /** Undefined where there is no file. Throws `corrupt`. */
  static read(disk: Disk, directory: string): StoredState | undefined {
    const path = `${directory}/${FILE_NAME}`;
    if (!disk.exists(path)) return undefined;
    const file = disk.open(path, "existing");
    try {
      const { nodeId, term, votedFor } = readSlots(file, path).slot;
      const commitHint = logIndex(readHint(file));
      return { nodeId, hardState: { term, votedFor }, commitHint };
    } finally {
      file.close();
    }
  }

  /** Makes the file of a new replica, durably. */
  static async create(
    disk: Disk,
    options: { readonly directory: string; readonly nodeId: NodeId },
  ): Promise<void> {
    const path = `${options.directory}/${FILE_NAME}`;
    const file = disk.open(`${path}.new`, "create_or_existing");
    try {
      const { bytes } = allocateWindow(FILE_BYTES);
      const slot = encodeSlot({
        generation: 1,
        nodeId: options.nodeId,
        term: term(0),
        votedFor: undefined,
      });
      for (const position of SLOT_POSITIONS) bytes.set(slot, position);
      file.truncate(0);
      file.writeAt(bytes, 0);
      await file.sync();
    } finally {
      file.close();
    }
    disk.rename(`${path}.new`, path);
    await disk.syncDirectory(options.directory);
  }

  /** Opens for writing, and makes both slots equal, durably. */
  static async open(disk: Disk, directory: string): Promise<StateFile> {
    const path = `${directory}/${FILE_NAME}`;
    const file = disk.open(path, "existing");
    try {
      const { slot, position } = readSlots(file, path);
      const state = new StateFile(file, slot);
      // The one that was read stays as it is until the other is whole.
      const others = SLOT_POSITIONS.filter((other) => other !== position);
      await state.#write(slot, [...others, position]);
      return state;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * Resolves when the hard state is durable, twice. One call at a time. Rejects
   * with `disk_failed`; nobody knows then what is on the device.
   */
  async save(hardState: HardState): Promise<void> {
    await this.#write(hardState, SLOT_POSITIONS);
  }

  /** One slot after the other, in this order. */
  async #write(
    { term, votedFor }: HardState,
    positions: readonly number[],
  ): Promise<void> {
    this.#generation += 1;
    const slot = encodeSlot({
      generation: this.#generation,
      nodeId: this.#nodeId,
      term,
      votedFor,
    });
    for (const position of positions) {
      this.#file.writeAt(slot, position);
      await this.#file.sync();
    }
  }

  /** Notes, without a sync, what is committed and durable on this node. */
  hint(commitIndex: LogIndex): void {
    this.#file.writeAt(encodeHint(commitIndex), HINT_POSITION);
  }

  close(): void {
    this.#file.close();
  }
}

/** The newer of the slots, the first where they are equal; when one is damaged, the other. */
function readSlots(
  file: DiskFile,
  path: string,
): { readonly slot: Slot; readonly position: number } {
  const found = SLOT_POSITIONS.flatMap((position) => {
    const window = allocateWindow(SLOT_BYTES);
    file.readAt(window.bytes, position);
    const slot = decodeSlot(window);
    return slot === undefined ? [] : [{ slot, position }];
  });
  const [first, second] = found;
  if (first === undefined) {
    throw new ProglogError(
      "corrupt",
      `Cannot read ${path} as both copies of the term and vote are damaged`,
      { details: { file: path, position: 0 } },
    );
  }
  return second !== undefined && second.slot.generation > first.slot.generation
    ? second
    : first;
}

function readHint(file: DiskFile): number {
  const window = allocateWindow(HINT_BYTES);
  file.readAt(window.bytes, HINT_POSITION);
  return decodeHint(window);
}
