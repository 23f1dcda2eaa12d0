/**
 * Every bound of proglog by name, grouped by the part that enforces it.
 * Formats and protocols may not exceed them; configuration may only go lower.
 */

// Log engine (core/log).

/** One entry in a segment, header included; longer lengths on disk are damage. */
export const ENTRY_BYTES_MAX = 64 * 1024 * 1024;
/** A segment is rolled before it would grow past this; positions fit 4 bytes. */
export const SEGMENT_BYTES_MAX = 1024 * 1024 * 1024;
/** Roll size where the configuration gives none. */
export const SEGMENT_BYTES_DEFAULT = 256 * 1024 * 1024;
/** Bytes of a segment between two samples of its sparse index. */
export const INDEX_INTERVAL_BYTES = 64 * 1024;
/** Sealed segments whose sparse index is kept in memory. */
export const INDEXES_CACHED_MAX = 16;
/** Sealed segments that are held open. */
export const SEGMENT_FILES_OPEN_MAX = 64;
/** Places where sequential readers stopped, remembered for their next read. */
export const READ_CURSORS_MAX = 256;
