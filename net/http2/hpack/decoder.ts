/**
 * Header blocks to header lists (RFC 7541 section 6). Every length is checked.
 * A list over its limits is still read to its end, because the table must follow
 * the peer's; a block that breaks the format ends the connection.
 * Callers: the receive side of the connection.
 *
 * A block whose reading changed nothing is remembered by its bytes and the table's
 * generation: the same bytes at the same generation are the same list.
 */
import type { HeaderField } from "../types.ts";
import { DynamicTable, fieldSizeBytes } from "./dynamic_table.ts";
import { readHuffman } from "./huffman.ts";
import { type Cursor, readInteger } from "./integer.ts";
import { StringReader } from "./latin1.ts";
import { STATIC_COUNT, STATIC_FIELDS } from "./static_table.ts";

export interface DecoderLimits {
  /** Size of the dynamic table that our SETTINGS grant. */
  readonly tableBytes: number;
  readonly listMaxBytes: number;
  readonly fieldsMax: number;
}

/** A decoded block. `notes` is for the layer above, to keep what it found out about the list. */
export interface HeaderBlock<Notes> {
  readonly headers: readonly HeaderField[];
  notes: Notes | undefined;
}

export type DecodeResult<Notes> =
  | { readonly kind: "list"; readonly block: HeaderBlock<Notes> }
  | { readonly kind: "too_large" }
  | { readonly kind: "broken"; readonly message: string };

const REMEMBERED_SLOTS = 64; // a power of two
const REMEMBERED_LENGTH_MAX = 128;
const DEFAULT_TABLE_BYTES = 4_096;

interface RememberedBlock<Notes> {
  hash: number;
  generation: number;
  bytes: Uint8Array | undefined;
  result: DecodeResult<Notes> | undefined;
}

export class HpackDecoder<Notes> {
  readonly #table = new DynamicTable(DEFAULT_TABLE_BYTES);
  readonly #limits: DecoderLimits;
  readonly #strings = new StringReader();
  readonly #cursor: Cursor = {
    bytes: new Uint8Array(0),
    position: 0,
    end: 0,
  };
  readonly #remembered: (RememberedBlock<Notes> | undefined)[] = new Array(
    REMEMBERED_SLOTS,
  ).fill(undefined);
  #scratch = new Uint8Array(256);
  /** Largest table the peer may use now: the default counts until it acknowledged ours. */
  #tableMaxBytes: number;
  #problem = "";

  constructor(limits: DecoderLimits) {
    this.#limits = limits;
    this.#tableMaxBytes = Math.max(limits.tableBytes, DEFAULT_TABLE_BYTES);
  }

  get tableSizeBytes(): number {
    return this.#table.sizeBytes;
  }

  /** Our SETTINGS were acknowledged: a smaller table must now be confirmed by an update. */
  settingsAcknowledged(): void {
    this.#tableMaxBytes = this.#limits.tableBytes;
  }

  /** Reads the block `from` to `end`. Must be called for every block, in order. */
  decode(bytes: Uint8Array, from: number, end: number): DecodeResult<Notes> {
    if (end - from > REMEMBERED_LENGTH_MAX) {
      return this.#decodeBlock(bytes, from, end);
    }
    const hash = hashBytes(bytes, from, end);
    const slot = (hash ^ (hash >>> 16)) & (REMEMBERED_SLOTS - 1);
    const known = this.#remembered[slot];
    const generation = this.#table.generation;
    const isSeen = known !== undefined && known.hash === hash;
    if (
      isSeen && known.generation === generation &&
      known.result !== undefined && isSame(known.bytes!, bytes, from, end)
    ) return known.result;
    const result = this.#decodeBlock(bytes, from, end);
    // Kept on second sight: a block with text that changes per call is not worth a copy.
    const isKept = isSeen && generation === this.#table.generation;
    this.#remembered[slot] = {
      hash,
      generation,
      bytes: isKept ? bytes.slice(from, end) : undefined,
      result: isKept ? result : undefined,
    };
    return result;
  }

  #decodeBlock(
    bytes: Uint8Array,
    from: number,
    end: number,
  ): DecodeResult<Notes> {
    const cursor = this.#cursor;
    cursor.bytes = bytes;
    cursor.position = from;
    cursor.end = end;
    this.#problem = "";
    const result = this.#readUpdates() ? this.#readFields() : undefined;
    cursor.bytes = this.#scratch; // keeps no reference to the caller's chunk
    return result ?? { kind: "broken", message: this.#problem };
  }

  #readFields(): DecodeResult<Notes> | undefined {
    const cursor = this.#cursor;
    const headers: HeaderField[] = [];
    let listBytes = 0;
    let fieldCount = 0;
    while (cursor.position < cursor.end) {
      const field = this.#readField(cursor.bytes[cursor.position]!);
      if (field === undefined) return undefined;
      listBytes += fieldSizeBytes(field[0], field[1]);
      fieldCount += 1;
      if (
        listBytes <= this.#limits.listMaxBytes &&
        fieldCount <= this.#limits.fieldsMax
      ) headers.push(field);
    }
    if (headers.length < fieldCount) return { kind: "too_large" };
    return { kind: "list", block: { headers, notes: undefined } };
  }

  /** Size updates come before the first field only (section 4.2), at most two. */
  #readUpdates(): boolean {
    const cursor = this.#cursor;
    for (let count = 0; count < 2; count++) {
      if (
        cursor.position >= cursor.end ||
        (cursor.bytes[cursor.position]! & 0xe0) !== 0x20
      ) break;
      const capacityBytes = readInteger(cursor, 5);
      if (capacityBytes < 0 || capacityBytes > this.#tableMaxBytes) {
        return this.#fail("Table size update is over the limit");
      }
      this.#table.resize(capacityBytes);
    }
    if (this.#table.capacityBytes > this.#tableMaxBytes) {
      return this.#fail("Table size update is missing");
    }
    return true;
  }

  #readField(first: number): HeaderField | undefined {
    if (first >= 0x80) {
      return this.#fieldAt(readInteger(this.#cursor, 7));
    }
    if (first >= 0x40) {
      const field = this.#readLiteral(6);
      if (field !== undefined) this.#table.add(field);
      return field;
    }
    if (first >= 0x20) {
      this.#fail("Table size update is not at the start of the block");
      return undefined;
    }
    return this.#readLiteral(4);
  }

  /** `index` is -1 where the integer was broken: that is in no table either. */
  #fieldAt(index: number): HeaderField | undefined {
    const field = index >= 1 && index <= STATIC_COUNT
      ? STATIC_FIELDS[index - 1]
      : this.#table.at(index);
    if (field === undefined) this.#fail(`Index ${index} is in no table`);
    return field;
  }

  #readLiteral(prefixBits: number): HeaderField | undefined {
    const index = readInteger(this.#cursor, prefixBits);
    if (index < 0) {
      this.#fail("Name index is cut off or too large");
      return undefined;
    }
    const name = index === 0 ? this.#readText() : this.#fieldAt(index)?.[0];
    if (name === undefined) return undefined;
    const value = this.#readText();
    return value === undefined ? undefined : [name, value];
  }

  #readText(): string | undefined {
    const cursor = this.#cursor;
    const isHuffman = cursor.position < cursor.end &&
      cursor.bytes[cursor.position]! >= 0x80;
    const length = readInteger(cursor, 7);
    if (length < 0 || length > cursor.end - cursor.position) {
      this.#fail("String is cut off or too long");
      return undefined;
    }
    const from = cursor.position;
    cursor.position += length;
    if (!isHuffman) {
      return this.#strings.read(cursor.bytes, from, from + length);
    }
    return this.#readHuffmanText(from, length);
  }

  #readHuffmanText(from: number, length: number): string | undefined {
    // The shortest code has five bits.
    const boundBytes = Math.ceil(length * 8 / 5);
    if (this.#scratch.length < boundBytes) {
      this.#scratch = new Uint8Array(boundBytes * 2);
    }
    const range = { from, end: from + length };
    const count = readHuffman(this.#cursor.bytes, range, this.#scratch);
    if (count < 0) {
      this.#fail("Huffman code is broken");
      return undefined;
    }
    return this.#strings.read(this.#scratch, 0, count);
  }

  #fail(message: string): false {
    this.#problem = message;
    return false;
  }
}

function hashBytes(bytes: Uint8Array, from: number, end: number): number {
  let hash = end - from;
  for (let i = from; i < end; i++) hash = Math.imul(hash, 31) + bytes[i]! | 0;
  return hash;
}

function isSame(
  known: Uint8Array,
  bytes: Uint8Array,
  from: number,
  end: number,
): boolean {
  if (known.length !== end - from) return false;
  for (let i = 0; i < known.length; i++) {
    if (known[i] !== bytes[from + i]) return false;
  }
  return true;
}
