/**
 * Header lists to header blocks (RFC 7541 section 6). What repeats from call to
 * call enters the dynamic table and costs one byte afterwards; what changes each
 * time stays out of it; secrets are marked never to be indexed by anyone.
 * Callers: the send side of the connection.
 *
 * A block is remembered by its list while it may be written again byte for byte:
 * 1. Encoding it added nothing to the table (it is a function of list and table).
 * 2. The table's generation is unchanged since; so no size update is due either.
 * 3. The list still holds the same text; lists are compared, not trusted.
 */
import type { HeaderList } from "../types.ts";
import { DynamicTable, fieldSizeBytes } from "./dynamic_table.ts";
import { huffmanLength, writeHuffman } from "./huffman.ts";
import { grpcIndexing, type Indexing, type IndexingRule } from "./indexing.ts";
import { type IntegerForm, writeInteger } from "./integer.ts";
import { writeLatin1 } from "./latin1.ts";
import { STATIC_NAMES } from "./static_table.ts";

/** First byte of a field, its prefix, and two integers of at most five bytes more. */
const FIELD_OVERHEAD_MAX_BYTES = 16;
const REMEMBERED_LISTS_MAX = 64;
const REMEMBERED_BLOCK_MAX_BYTES = 256;
const RECENT_LISTS = 8;

/** First bytes of RFC 7541 sections 6.1 to 6.3, and of strings (5.2). Permanent. */
const INDEXED: IntegerForm = { prefixBits: 7, first: 0x80 };
const LITERALS: Readonly<Record<Indexing, IntegerForm>> = {
  indexed: { prefixBits: 6, first: 0x40 },
  not_indexed: { prefixBits: 4, first: 0x00 },
  never_indexed: { prefixBits: 4, first: 0x10 },
};
const SIZE_UPDATE: IntegerForm = { prefixBits: 5, first: 0x20 };
const HUFFMAN_TEXT: IntegerForm = { prefixBits: 7, first: 0x80 };
const PLAIN_TEXT: IntegerForm = { prefixBits: 7, first: 0x00 };

interface RememberedBlock {
  readonly generation: number;
  readonly texts: readonly string[];
  readonly block: Uint8Array;
}

/** Serials of the entries with this name in the dynamic table. */
interface DynamicName {
  newestSerial: number;
  readonly valueSerials: Map<string, number>;
}

export class HpackEncoder {
  readonly #table: DynamicTable;
  readonly #capacityMaxBytes: number;
  readonly #rule: IndexingRule;
  readonly #useHuffman: boolean;
  readonly #names = new Map<string, DynamicName>();
  readonly #remembered = new Map<HeaderList, RememberedBlock>();
  readonly #recent: (HeaderList | undefined)[] = new Array(RECENT_LISTS).fill(
    undefined,
  );
  #recentNext = 0;
  /** Size updates to write first: the lowest since the last block, then the last. */
  #smallestUpdate: number | undefined;
  #lastUpdate: number | undefined;

  constructor(
    options: {
      capacityMaxBytes: number;
      rule?: IndexingRule;
      text?: "huffman" | "plain";
    },
  ) {
    this.#capacityMaxBytes = options.capacityMaxBytes;
    // 4,096 until the peer's SETTINGS say otherwise (RFC 9113 section 6.5.2).
    const capacityBytes = Math.min(4_096, options.capacityMaxBytes);
    this.#table = new DynamicTable(
      capacityBytes,
      (field, serial) => this.#forget(field[0], field[1], serial),
    );
    if (capacityBytes !== 4_096) this.#noteUpdate(capacityBytes);
    this.#rule = options.rule ?? grpcIndexing;
    this.#useHuffman = options.text !== "plain";
  }

  get tableSizeBytes(): number {
    return this.#table.sizeBytes;
  }

  /** SETTINGS_HEADER_TABLE_SIZE of the peer; the next block says what we use of it. */
  setPeerCapacity(bytes: number): void {
    const capacityBytes = Math.min(bytes, this.#capacityMaxBytes);
    if (capacityBytes === this.#table.capacityBytes) return;
    this.#table.resize(capacityBytes);
    this.#noteUpdate(capacityBytes);
  }

  /** Room that `encode` needs at most. */
  static boundBytes(headers: HeaderList): number {
    let bytes = FIELD_OVERHEAD_MAX_BYTES; // two size updates
    for (let i = 0; i < headers.length; i++) {
      const field = headers[i]!;
      bytes += FIELD_OVERHEAD_MAX_BYTES + field[0].length + field[1].length;
    }
    return bytes;
  }

  /** Writes the block at `position`, where `boundBytes` are free; returns its end. */
  encode(headers: HeaderList, into: Uint8Array, position: number): number {
    const known = this.#remembered.get(headers);
    if (
      known !== undefined && known.generation === this.#table.generation &&
      hasTexts(headers, known.texts)
    ) return copyBlock(known.block, into, position);

    const start = position;
    position = this.#writeUpdates(into, position);
    const generation = this.#table.generation;
    const isUpdated = position !== start;
    for (let i = 0; i < headers.length; i++) {
      const field = headers[i]!;
      position = this.#writeField(field[0], field[1], into, position);
    }
    if (!isUpdated && generation === this.#table.generation) {
      this.#remember(headers, into.subarray(start, position));
    }
    return position;
  }

  #noteUpdate(capacityBytes: number): void {
    this.#smallestUpdate = Math.min(
      this.#smallestUpdate ?? capacityBytes,
      capacityBytes,
    );
    this.#lastUpdate = capacityBytes;
  }

  #writeUpdates(into: Uint8Array, position: number): number {
    const last = this.#lastUpdate;
    const smallest = this.#smallestUpdate;
    if (last === undefined || smallest === undefined) return position;
    this.#lastUpdate = undefined;
    this.#smallestUpdate = undefined;
    if (smallest < last) {
      position = writeInteger(into, position, SIZE_UPDATE, smallest);
    }
    return writeInteger(into, position, SIZE_UPDATE, last);
  }

  #writeField(
    name: string,
    value: string,
    into: Uint8Array,
    position: number,
  ): number {
    const fixed = STATIC_NAMES.get(name);
    const dynamic = this.#names.get(name);
    const fixedIndex = fixed?.valueIndexes.get(value);
    if (fixedIndex !== undefined) {
      into[position] = 0x80 | fixedIndex;
      return position + 1;
    }
    const serial = dynamic?.valueSerials.get(value);
    if (serial !== undefined) {
      const index = this.#table.indexOfSerial(serial);
      return writeInteger(into, position, INDEXED, index);
    }
    const indexing = this.#rule(name, {
      tableShare: fieldSizeBytes(name, value) / this.#table.capacityBytes,
      isNameKnown: fixed !== undefined || dynamic !== undefined,
      valueCount: dynamic?.valueSerials.size ?? 0,
    });
    const nameIndex = fixed !== undefined
      ? fixed.index
      : dynamic !== undefined
      ? this.#table.indexOfSerial(dynamic.newestSerial)
      : 0;
    position = writeInteger(into, position, LITERALS[indexing], nameIndex);
    if (nameIndex === 0) position = this.#writeText(name, into, position);
    position = this.#writeText(value, into, position);
    if (indexing === "indexed") this.#add(name, value);
    return position;
  }

  #writeText(text: string, into: Uint8Array, position: number): number {
    const codedLength = this.#useHuffman ? huffmanLength(text) : 0;
    if (codedLength <= text.length && this.#useHuffman) {
      position = writeInteger(into, position, HUFFMAN_TEXT, codedLength);
      return writeHuffman(into, position, text);
    }
    position = writeInteger(into, position, PLAIN_TEXT, text.length);
    return writeLatin1(into, position, text);
  }

  #add(name: string, value: string): void {
    const serial = this.#table.add([name, value]);
    if (serial === -1) return;
    const known = this.#names.get(name);
    if (known === undefined) {
      this.#names.set(name, {
        newestSerial: serial,
        valueSerials: new Map([[value, serial]]),
      });
    } else {
      known.newestSerial = serial;
      known.valueSerials.set(value, serial);
    }
  }

  #forget(name: string, value: string, serial: number): void {
    const known = this.#names.get(name);
    if (known === undefined) return;
    if (known.valueSerials.get(value) === serial) {
      known.valueSerials.delete(value);
    }
    if (known.valueSerials.size === 0) this.#names.delete(name);
  }

  /** Keeps a block on the second sight of its list: a list made per call is not worth it. */
  #remember(headers: HeaderList, block: Uint8Array): void {
    if (block.length > REMEMBERED_BLOCK_MAX_BYTES) return;
    if (!this.#recent.includes(headers)) {
      this.#recent[this.#recentNext] = headers;
      this.#recentNext = (this.#recentNext + 1) % RECENT_LISTS;
      return;
    }
    if (this.#remembered.size >= REMEMBERED_LISTS_MAX) this.#remembered.clear();
    this.#remembered.set(headers, {
      generation: this.#table.generation,
      texts: headers.flat(),
      block: block.slice(),
    });
  }
}

function hasTexts(headers: HeaderList, texts: readonly string[]): boolean {
  if (headers.length * 2 !== texts.length) return false;
  for (let i = 0; i < headers.length; i++) {
    const field = headers[i]!;
    if (field[0] !== texts[i * 2] || field[1] !== texts[i * 2 + 1]) {
      return false;
    }
  }
  return true;
}

function copyBlock(
  block: Uint8Array,
  into: Uint8Array,
  position: number,
): number {
  for (let i = 0; i < block.length; i++) into[position + i] = block[i]!;
  return position + block.length;
}
