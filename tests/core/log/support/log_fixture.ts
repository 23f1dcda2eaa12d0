/**
 * Short ways to make, fill and read a log on the memory disk.
 */

import { logIndex, offset, term } from "../../../../core/ids.ts";
import type { NewEntry } from "../../../../core/log/entry.ts";
import { decodeEntries } from "../../../../core/log/decode_entries.ts";
import { Log, type LogOptions } from "../../../../core/log/log.ts";
import { encodeRecords } from "../../../../core/log/record.ts";
import { decodeRecords } from "../../../../core/log/record_walk.ts";
import { MemoryDisk } from "../../../support/memory_disk.ts";
import { seededRandom } from "../../../support/seeded_random.ts";

export const DIRECTORY = "/data/log";

const utf8 = new TextEncoder();
const text = new TextDecoder();

export type TestConfig = NonNullable<LogOptions["config"]>;

export function openLog(
  disk: MemoryDisk,
  config: TestConfig = {},
  options: Partial<LogOptions> = {},
) {
  return Log.open({
    disk,
    directory: DIRECTORY,
    random: seededRandom(7),
    config,
    ...options,
  });
}

export async function newLog(config: TestConfig = {}) {
  const disk = new MemoryDisk();
  const { log } = await openLog(disk, config);
  return { disk, log };
}

export function recordsOf(values: readonly string[]): Uint8Array<ArrayBuffer> {
  return encodeRecords(values.map((value) => ({ value: utf8.encode(value) })));
}

/** A data entry that may follow the last one of `log`. */
export function entryFor(
  log: Log,
  values: readonly string[],
  more: Partial<NewEntry> = {},
): NewEntry {
  return {
    index: logIndex(log.lastIndex + 1),
    term: term(Math.max(1, log.lastTerm)),
    kind: "data",
    recordCount: values.length,
    appendTimeMs: 1_000 + log.lastIndex,
    records: recordsOf(values),
    ...more,
  };
}

/** Appends one entry for each list of values; not synced. */
export function appendEntries(log: Log, entries: readonly string[][]): void {
  for (const values of entries) log.append(entryFor(log, values));
}

/** Appends `count` entries of one record each: "v<index>". */
export function appendCount(log: Log, count: number): void {
  for (let i = 0; i < count; i++) {
    log.append(entryFor(log, [`v${log.lastIndex + 1}`]));
  }
}

/** All values by reading from the lowest offset to the end. */
export function readValues(log: Log, bytesMax = 200): string[] {
  const values: string[] = [];
  let next = log.lowestOffset;
  while (true) {
    const run = log.read({ offset: next, bytesMax, oversized: "split" });
    if (!run.ok) return values;
    if (run.baseOffset !== next) {
      throw new Error(`Got offset ${run.baseOffset}`);
    }
    const records = decodeRecords(run.records);
    if (records.length !== run.count) throw new Error("Wrong record count");
    values.push(...records.map(({ value }) => text.decode(value)));
    next = offset(next + run.count);
  }
}

/** One line per entry of the log: index, term, kind, base offset, values. */
export function describeEntries(log: Log): string[] {
  const lines: string[] = [];
  let from = log.firstIndex;
  while (true) {
    const range = log.entriesFrom({ from, bytesMax: 300, countMax: 5 });
    if (range === null) return lines;
    const decoded = decodeEntries(range.bytes);
    if (!decoded.ok) throw new Error(`Raw entries: ${decoded.reason}`);
    for (const { index, term, kind, baseOffset, records } of decoded.entries) {
      const values = decodeRecords(records).map((r) => text.decode(r.value));
      lines.push(`${index} ${term} ${kind} ${baseOffset} ${values.join(",")}`);
    }
    from = logIndex(range.lastIndex + 1);
  }
}
