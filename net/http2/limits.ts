/**
 * Every number that bounds an HTTP/2 connection, in one place. A connection is
 * given one `Http2Limits`; tests make small ones, the agent uses the default.
 * What happens at each limit is told beside it and in docs/http2.md.
 */

export interface Http2Limits {
  /** Receive window of a stream (SETTINGS_INITIAL_WINDOW_SIZE); more is FLOW_CONTROL_ERROR. */
  readonly streamWindowBytes: number;
  /** Receive window of the connection; at least 65,535, which no setting can lower. */
  readonly connectionWindowBytes: number;
  /** Largest frame payload taken (SETTINGS_MAX_FRAME_SIZE, 2^14 to 2^24-1); more is FRAME_SIZE_ERROR. */
  readonly frameMaxBytes: number;
  /** Largest DATA payload sent, where the peer takes as much. */
  readonly sentFrameMaxBytes: number;

  /** Dynamic table of the header decoder (SETTINGS_HEADER_TABLE_SIZE). */
  readonly headerTableBytes: number;
  /** Dynamic table of the header encoder, where the peer grants as much. */
  readonly encoderTableMaxBytes: number;
  /** Decoded header list, 32 added per field (SETTINGS_MAX_HEADER_LIST_SIZE); more resets the stream. */
  readonly headerListMaxBytes: number;
  /** Fields in a header list; more resets the stream. */
  readonly headerFieldsMax: number;
  /** Encoded header block over all its frames; more is ENHANCE_YOUR_CALM. */
  readonly headerBlockMaxBytes: number;
  /** CONTINUATION frames of one header block; more is ENHANCE_YOUR_CALM. */
  readonly continuationFramesMax: number;

  /** Streams of the peer open at once (SETTINGS_MAX_CONCURRENT_STREAMS); more is REFUSED_STREAM. Bounds a client's own streams too. */
  readonly concurrentStreamsMax: number;
  /** Closed streams remembered, to tell a late frame from a wrong one. */
  readonly closedStreamsRememberedMax: number;
  /** Settings in one SETTINGS frame; more is ENHANCE_YOUR_CALM. */
  readonly settingsPerFrameMax: number;
  /** Bytes kept of the debug text of a GOAWAY; the rest is skipped. */
  readonly goAwayDebugMaxBytes: number;

  /** `sendData` answers false while a stream has more than this queued. */
  readonly streamQueueHighBytes: number;
  /** "writable" once no more than this is queued. */
  readonly streamQueueLowBytes: number;
  /** The same marks for all queues of the connection together. */
  readonly connectionQueueHighBytes: number;
  readonly connectionQueueLowBytes: number;
  /** Framed bytes that nobody took: over this the peer provokes answers and reads none: ENHANCE_YOUR_CALM. */
  readonly untakenOutputMaxBytes: number;
  /** Data is framed at once up to this much untaken output, then it stays queued. */
  readonly eagerOutputMaxBytes: number;
  /** Payloads up to this size are copied next to their frame header; larger ones go by reference. */
  readonly copiedPayloadMaxBytes: number;
  /** Bytes per turn of a stream while others wait. */
  readonly fairTurnBytes: number;

  /** Length of the interval that the counts below belong to. */
  readonly floodIntervalMs: number;
  /** RST_STREAM of the peer and stream errors it causes, per interval. */
  readonly resetsPerIntervalMax: number;
  /** PING without ACK, per interval. */
  readonly pingsPerIntervalMax: number;
  /** SETTINGS without ACK, per interval. */
  readonly settingsPerIntervalMax: number;
  /** DATA without payload and without END_STREAM, per interval. */
  readonly emptyDataPerIntervalMax: number;
  /** WINDOW_UPDATE, per interval; each KiB of DATA that we send allows one more. */
  readonly windowUpdatesPerIntervalMax: number;
  /** PRIORITY, unknown frames and frames of closed streams, per interval. */
  readonly ignoredFramesPerIntervalMax: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const defaultHttp2Limits: Http2Limits = {
  streamWindowBytes: 8 * MIB,
  connectionWindowBytes: 32 * MIB,
  frameMaxBytes: 1 * MIB,
  sentFrameMaxBytes: 1 * MIB,

  headerTableBytes: 4 * KIB,
  encoderTableMaxBytes: 4 * KIB,
  headerListMaxBytes: 64 * KIB,
  headerFieldsMax: 256,
  headerBlockMaxBytes: 64 * KIB,
  continuationFramesMax: 16,

  concurrentStreamsMax: 1_024,
  closedStreamsRememberedMax: 1_024,
  settingsPerFrameMax: 64,
  goAwayDebugMaxBytes: 256,

  streamQueueHighBytes: 1 * MIB,
  streamQueueLowBytes: 256 * KIB,
  connectionQueueHighBytes: 32 * MIB,
  connectionQueueLowBytes: 16 * MIB,
  untakenOutputMaxBytes: 4 * MIB,
  eagerOutputMaxBytes: 256 * KIB,
  copiedPayloadMaxBytes: 8 * KIB,
  fairTurnBytes: 128 * KIB,

  floodIntervalMs: 10_000,
  resetsPerIntervalMax: 5_000,
  pingsPerIntervalMax: 20_000,
  settingsPerIntervalMax: 1_000,
  emptyDataPerIntervalMax: 10_000,
  windowUpdatesPerIntervalMax: 50_000,
  ignoredFramesPerIntervalMax: 50_000,
};
