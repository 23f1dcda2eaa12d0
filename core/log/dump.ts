/**
 * A log directory as plain values, one per segment and entry, fit for JSON.
 */

import type { Disk } from "../env.ts";
import { decodeRecords } from "./record_walk.ts";
import { type LogFinding, walkLog } from "./verify.ts";

export type DumpLine = Readonly<Record<string, unknown>>;

const text = new TextDecoder();

/** What is in a log, in order; values and keys as text (invalid UTF-8 is replaced). */
export function* dumpLogFiles(
  disk: Disk,
  directory: string,
): Generator<DumpLine, void> {
  for (const finding of walkLog(disk, directory)) yield* linesOf(finding);
}

function* linesOf(finding: LogFinding): Generator<DumpLine, void> {
  if (finding.kind !== "entry") {
    yield finding.kind === "damage" ? { ...finding } : segmentLine(finding);
    return;
  }
  const { entry, file, position } = finding;
  const { meta, records, kind: entryKind, ...header } = entry;
  yield {
    kind: "entry",
    file,
    position,
    entryKind,
    ...header,
    meta: meta.toHex(),
  };
  if (entryKind !== "data" || entry.codec !== "none") return;
  let offset: number = entry.baseOffset;
  for (const { value, key, headers, timestampMs } of decodeRecords(records)) {
    yield {
      kind: "record",
      offset: offset++,
      value: text.decode(value),
      ...(key.length > 0 ? { key: text.decode(key) } : {}),
      ...(headers.length > 0
        ? {
          headers: headers.map((header) => ({
            name: header.name,
            value: text.decode(header.value),
          })),
        }
        : {}),
      ...(timestampMs > 0 ? { timestampMs } : {}),
    };
  }
}

function segmentLine(
  { file, sizeBytes, header }: Extract<LogFinding, { kind: "segment" }>,
): DumpLine {
  const { start, durableIndex, timeMaxBeforeMs } = header;
  return {
    kind: "segment",
    file,
    sizeBytes,
    start,
    durableIndex,
    timeMaxBeforeMs,
  };
}
