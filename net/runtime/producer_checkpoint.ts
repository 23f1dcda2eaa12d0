/**
 * The producer table on disk: written now and then, brought up to date from the
 * log at the next start. A cache: without it, or damaged, the whole log is read.
 *
 *   0  4  magic "plp", version 1
 *   4  4  crc: CRC-32 of bytes 8..end
 *   8  8  index of the last entry that the table has seen
 *  16     the table (core/cluster/producer_table.ts)
 */
import { assert } from "../../core/assert.ts";
import { byteWindow, readU64, writeU64 } from "../../core/bytes.ts";
import {
  decodeMarks,
  ProducerTable,
} from "../../core/cluster/producer_table.ts";
import { crc32 } from "../../core/crc32.ts";
import type { Disk } from "../../core/env.ts";
import { isProglogError } from "../../core/errors.ts";
import { type LogIndex, logIndex } from "../../core/ids.ts";
import { decodeEntries } from "../../core/log/decode_entries.ts";
import type { Log } from "../../core/log/log.ts";

const MAGIC = 0x706c7001;
const HEADER_BYTES = 16;
const REPLAY_READ_BYTES = 4 * 1024 * 1024;
const FILE_NAME = "producers";

export class ProducerCheckpoint {
  readonly #disk: Disk;
  readonly #directory: string;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /** The table as of the end of the log. Throws `corrupt` if the log is. */
  restore(log: Log): ProducerTable {
    const { table, index } = this.#read(log) ??
      { table: new ProducerTable(), index: logIndex(log.firstIndex - 1) };
    replay(log, table, logIndex(Math.max(index + 1, log.firstIndex)));
    return table;
  }

  /** Writes the table, which has seen entries up to `index`. */
  async write(table: ProducerTable, index: LogIndex): Promise<void> {
    const bytes = encode(table, index);
    const path = `${this.#directory}/${FILE_NAME}`;
    const file = this.#disk.open(`${path}.new`, "create_or_existing");
    try {
      file.truncate(0);
      file.writeAt(bytes, 0);
      await file.sync();
    } finally {
      file.close();
    }
    this.#disk.rename(`${path}.new`, path);
    await this.#disk.syncDirectory(this.#directory);
  }

  /** Undefined when there is none that can be believed of this log. */
  #read(log: Log): { table: ProducerTable; index: LogIndex } | undefined {
    const path = `${this.#directory}/${FILE_NAME}`;
    if (!this.#disk.exists(path)) return undefined;
    const file = this.#disk.open(path, "existing");
    const bytes = new Uint8Array(file.size());
    file.readAt(bytes, 0);
    file.close();
    const read = decode(bytes);
    if (read !== undefined && read.index <= log.lastIndex) return read;
    // It must not come to fit a log that grows past it with other entries.
    this.#disk.remove(path);
    return undefined;
  }
}

function encode(table: ProducerTable, index: LogIndex): Uint8Array {
  const body = table.encode();
  const { bytes, view } = byteWindow(
    new Uint8Array(HEADER_BYTES + body.length),
  );
  view.setUint32(0, MAGIC);
  writeU64(view, 8, index);
  bytes.set(body, HEADER_BYTES);
  view.setUint32(4, crc32(bytes.subarray(8)));
  return bytes;
}

function decode(
  file: Uint8Array,
): { table: ProducerTable; index: LogIndex } | undefined {
  if (file.length < HEADER_BYTES) return undefined;
  const { bytes, view } = byteWindow(file);
  if (view.getUint32(0) !== MAGIC) return undefined;
  if (view.getUint32(4) !== crc32(bytes.subarray(8))) return undefined;
  try {
    const table = ProducerTable.decode(bytes.subarray(HEADER_BYTES));
    return { table, index: logIndex(readU64(view, 8)) };
  } catch (error) {
    if (isProglogError(error, "corrupt")) return undefined;
    throw error;
  }
}

function replay(log: Log, table: ProducerTable, from: LogIndex): void {
  let next = from;
  while (next <= log.lastIndex) {
    const range = log.entriesFrom({
      from: next,
      bytesMax: REPLAY_READ_BYTES,
      countMax: Number.MAX_SAFE_INTEGER,
    });
    if (range === null) return;
    const decoded = decodeEntries(range.bytes);
    assert(decoded.ok, "The log returned entries that it did not check");
    for (const entry of decoded.entries) {
      if (entry.kind !== "data" || entry.meta.length === 0) continue;
      const marks = decodeMarks(entry.meta);
      table.apply({ baseOffset: entry.baseOffset, marks });
    }
    next = logIndex(range.lastIndex + 1);
  }
}
