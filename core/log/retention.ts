/**
 * Decides which whole segments a log may forget. Pure; the log drops them.
 */

import type { LogIndex, Offset } from "../ids.ts";

/** Facts of a segment, oldest first, the active one last. */
export interface SegmentFacts {
  readonly firstIndex: LogIndex;
  /** Offset of its first record. */
  readonly startOffset: Offset;
  /** Index of its last entry. */
  readonly lastIndex: LogIndex;
  readonly sizeBytes: number;
  /** Largest append time of all entries up to its end. */
  readonly timeMaxMs: number;
}

export interface RetentionPolicy {
  /** The log may keep at most this many bytes; null: no bound. */
  readonly bytesMax: number | null;
  /** Records older than this may go; null: no bound. */
  readonly ageMaxMs: number | null;
}

/**
 * The index below which whole segments may be dropped: the argument of
 * `dropBefore`. Never drops the active segment, nor entries from `keepFrom` on
 * (those that are not yet applied everywhere they must be).
 */
export function planRetention(
  segments: readonly SegmentFacts[],
  { policy, nowMs, keepFrom }: {
    readonly policy: RetentionPolicy;
    readonly nowMs: number;
    readonly keepFrom: LogIndex;
  },
): LogIndex {
  let sizeBytes = 0;
  for (const segment of segments) sizeBytes += segment.sizeBytes;
  let dropBefore = segments[0]?.firstIndex ?? 1 as LogIndex;
  for (const segment of segments.slice(0, -1)) {
    const isTooBig = policy.bytesMax !== null && sizeBytes > policy.bytesMax;
    const isTooOld = policy.ageMaxMs !== null &&
      segment.timeMaxMs < nowMs - policy.ageMaxMs;
    if (!isTooBig && !isTooOld) break;
    if (segment.lastIndex >= keepFrom) break;
    dropBefore = segment.lastIndex + 1 as LogIndex;
    sizeBytes -= segment.sizeBytes;
  }
  return dropBefore;
}
