/**
 * Opens the segments of a directory after any end of the process before.
 * Everything that was durable is kept; what was not, and is damaged, is cut and
 * reported; damage in what was durable is refused with file and position.
 *
 * The rules (docs/log_format.md tells why):
 * 1. A segment of which a later header says that all of it was durable is
 *    sealed: its header, size and neighbours are checked, not its entries (each
 *    is checked when it is read).
 * 2. All other segments, the last one always, are scanned entry by entry.
 * 3. At the first damage, let `e` be the index that belongs there. If a segment
 *    header, the mark of an orderly close, the caller, or an entry found whole
 *    anywhere behind the damage proves that `e` was durable, the log is corrupt.
 *    If nothing does, nobody was told that `e` is safe: the log is cut there.
 * 4. Entries that nothing proves durable are written once more and synced: after
 *    a failed fsync the page cache may show bytes that the device never got.
 */

import type { Disk, Random } from "../env.ts";
import type { LogIndex } from "../ids.ts";
import { readClosedMark, removeClosedMark } from "./closed_mark.ts";
import { durableIndexProvedIn } from "./durability_proof.ts";
import { logFilePath } from "./file_names.ts";
import { type LogFaults, NO_LOG_FAULTS } from "./faults.ts";
import { corruptFile } from "./log_errors.ts";
import { LOG_START } from "./log_point.ts";
import { type Damage, RecoveryScan } from "./recovery_scan.ts";
import { finishReset } from "./reset.ts";
import { rewriteUnproved } from "./rewrite.ts";
import type { ActiveSegment, SegmentInfo } from "./segment.ts";
import {
  createSegment,
  findSegments,
  type FoundSegment,
  removeSegment,
} from "./segment_files.ts";
import { SEGMENT_HEADER_BYTES } from "./segment_header.ts";

/** What opening a log found and did. */
export interface RecoveryReport {
  /** Bytes of a torn tail that were cut; 0 after a clean stop. */
  readonly cutBytes: number;
  /** Where the log was cut and why, or null. */
  readonly cut: {
    readonly file: string;
    readonly position: number;
    readonly reason: string;
  } | null;
  readonly entriesScanned: number;
  /** Bytes that were written and synced again, as nothing proved them durable. */
  readonly rewrittenBytes: number;
}

export interface RecoveredSegments {
  readonly sealed: SegmentInfo[];
  readonly active: ActiveSegment;
  readonly report: RecoveryReport;
}

export interface RecoveryContext {
  readonly disk: Disk;
  readonly directory: string;
  readonly random: Random;
  /** The caller knows from elsewhere that entries up to here were durable. */
  readonly durableIndexMin: LogIndex;
  /** Only the simulator's mutation check passes any. */
  readonly faults?: LogFaults | undefined;
}

export async function recoverSegments(
  context: RecoveryContext,
): Promise<RecoveredSegments> {
  const { disk, directory, faults = NO_LOG_FAULTS } = context;
  await finishReset(disk, directory);
  const found = findSegments(disk, directory);
  const proved = Math.max(
    context.durableIndexMin,
    readClosedMark(disk, directory),
    ...found.map(({ header }) => header?.durableIndex ?? 0),
  );
  const sealedCount = countSealed(found, proved);
  checkSealed(found, sealedCount);
  const from = sealedCount;
  const scan = new RecoveryScan(disk, found, { from, proved, faults });
  try {
    scan.run();
    if (scan.damage !== null) {
      refuseIfDurable(context, { found, damage: scan.damage, proved });
    } else refuseIfShort(context, scan, proved);
    return await keepRecovered(context, { found, scan, sealedCount });
  } catch (error) {
    scan.active?.file.close();
    throw error;
  }
}

/** Rule 1: how many segments in front need no scan. */
function countSealed(found: readonly FoundSegment[], proved: number): number {
  let count = 0;
  while (true) {
    const next = found[count + 1];
    if (next === undefined || next.header === null) return count;
    if (next.firstIndex - 1 > proved) return count;
    count += 1;
  }
}

/** The sealed segments and the one behind them form a chain. */
function checkSealed(
  found: readonly FoundSegment[],
  sealedCount: number,
): void {
  for (let i = 0; i < sealedCount; i++) {
    const segment = found[i];
    const next = found[i + 1]?.header;
    if (segment === undefined || next === undefined || next === null) return;
    if (segment.header === null) {
      throw corruptFile(segment.path, 0, "its header is damaged");
    }
    if (next.previousFirstIndex !== segment.firstIndex) {
      throw corruptFile(
        segment.path,
        segment.sizeBytes,
        `the segment that begins at index ${next.previousFirstIndex} is missing behind it`,
      );
    }
    if (next.previousSizeBytes !== segment.sizeBytes) {
      throw corruptFile(
        segment.path,
        Math.min(segment.sizeBytes, next.previousSizeBytes),
        `it has ${segment.sizeBytes} bytes where ${next.previousSizeBytes} were written`,
      );
    }
  }
}

/** Rule 3. */
function refuseIfDurable(
  { disk }: RecoveryContext,
  { found, damage, proved }: {
    readonly found: readonly FoundSegment[];
    readonly damage: Damage;
    readonly proved: number;
  },
): void {
  const damaged = found[damage.segment];
  if (damaged === undefined) return;
  const provedBehind = found.slice(damage.segment).map((segment, i) => {
    const file = disk.open(segment.path, "existing");
    try {
      return durableIndexProvedIn(file, {
        salt: segment.header?.salt ?? null,
        from: i === 0 ? damage.position + 1 : SEGMENT_HEADER_BYTES,
        end: segment.sizeBytes,
      });
    } finally {
      file.close();
    }
  });
  const namesUnknownStart = damage.segment === 0 && damage.position === 0 &&
    damaged.firstIndex !== 1;
  if (
    namesUnknownStart ||
    Math.max(proved, ...provedBehind) >= damage.expectedIndex
  ) {
    throw corruptFile(
      damaged.path,
      damage.position,
      `${damage.reason}, and what belongs there (index ${damage.expectedIndex}) had been durable`,
    );
  }
}

/** Without damage, the log must still reach what is known to be durable. */
function refuseIfShort(
  { directory }: RecoveryContext,
  scan: RecoveryScan,
  proved: number,
): void {
  const lastIndex = scan.active?.point.index ?? 0;
  if (lastIndex >= proved) return;
  throw corruptFile(
    scan.active?.info.path ?? directory,
    scan.active?.endPosition ?? 0,
    `the log ends at index ${lastIndex} and index ${proved} had been durable`,
  );
}

async function keepRecovered(
  context: RecoveryContext,
  { found, scan, sealedCount }: {
    readonly found: readonly FoundSegment[];
    readonly scan: RecoveryScan;
    readonly sealedCount: number;
  },
): Promise<RecoveredSegments> {
  const cut = await cutDamage(context, found, scan);
  const active = scan.active ?? createFirst(context);
  const rewrittenBytes = await makeDurable(context, {
    found,
    active,
    scannedFrom: sealedCount,
    firstUnproved: scan.firstUnproved(),
  }).catch((error) => {
    if (scan.active === null) active.file.close();
    throw error;
  });
  const sealed = found.flatMap(({ path, header, sizeBytes }) =>
    header !== null && header.start.index < active.info.header.start.index
      ? [{ path, header, sizeBytes }]
      : []
  );
  const { entriesScanned } = scan;
  return {
    sealed,
    active,
    report: { ...cut, entriesScanned, rewrittenBytes },
  };
}

/** Rule 4, and the end of the mark of the last close. */
async function makeDurable(
  { disk, directory }: RecoveryContext,
  scanned: Parameters<typeof rewriteUnproved>[1],
): Promise<number> {
  const rewritten = await rewriteUnproved(disk, scanned);
  removeClosedMark(disk, directory);
  await disk.syncDirectory(directory);
  return rewritten;
}

/** Cuts the log at the damage, from the last file backwards. */
async function cutDamage(
  { disk, directory }: RecoveryContext,
  found: readonly FoundSegment[],
  { damage, active }: RecoveryScan,
): Promise<Pick<RecoveryReport, "cut" | "cutBytes">> {
  const damaged = damage === null ? undefined : found[damage.segment];
  if (damage === null || damaged === undefined) {
    return { cut: null, cutBytes: 0 };
  }
  const keepsFile = damage.position > 0;
  const removed = found.slice(damage.segment + (keepsFile ? 1 : 0));
  let cutBytes = keepsFile ? damaged.sizeBytes - damage.position : 0;
  for (const segment of removed.toReversed()) {
    cutBytes += segment.sizeBytes;
    await removeSegment(disk, directory, segment.firstIndex);
  }
  if (keepsFile) active?.file.truncate(damage.position);
  const { position, reason } = damage;
  return { cut: { file: damaged.path, position, reason }, cutBytes };
}

/** The first segment of a new log. */
function createFirst(
  { disk, directory, random }: RecoveryContext,
): ActiveSegment {
  const path = logFilePath(directory, "segment", 1 as LogIndex);
  return createSegment(disk, path, {
    salt: random.nextU32(),
    start: LOG_START,
    durableIndex: LOG_START.index,
    previousSizeBytes: 0,
    previousFirstIndex: 0 as LogIndex,
    timeMaxBeforeMs: 0,
  });
}
