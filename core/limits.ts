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
export const INDEX_INTERVAL_BYTES = 16 * 1024;
/** Sealed segments whose sparse index is kept in memory. */
export const INDEXES_CACHED_MAX = 16;
/** Sealed segments that are held open. */
export const SEGMENT_FILES_OPEN_MAX = 64;
/** Places where sequential readers stopped, remembered for their next read. */
export const READ_CURSORS_MAX = 256;

// Proposals (net/runtime/replica).

/** Records of one proposal: less than an entry by room for header and meta. */
export const PROPOSAL_BYTES_MAX = 32 * 1024 * 1024;
/** Proposals are merged into one entry up to this size. */
export const BATCH_BYTES_TARGET = 256 * 1024;
/** What one waiting request counts for besides its bytes: many may be tiny. */
export const REQUEST_OVERHEAD_BYTES = 256;
/** Record bytes that may wait for the disk; more are refused as `overloaded`. */
export const PENDING_BYTES_MAX = 128 * 1024 * 1024;

// Service (net/rpc).

/** What one message of a batch consumer holds, whatever the request says. */
export const CONSUME_BATCH_BYTES_MAX = 1024 * 1024;
/** Record bytes of one ProduceStream that wait for their acknowledgement. */
export const STREAM_IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024;
