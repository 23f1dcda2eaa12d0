/** Every bound and every time of the peer links. Tests pass their own times. */
import type { PumpLimits } from "../socket_pump.ts";

/** One frame; messages above it travel in parts, so that pings get between. */
export const FRAME_PAYLOAD_MAX_BYTES = 256 * 1024;
/** The longest message: one entry of the log and what goes with it. */
export const MESSAGE_MAX_BYTES = 65 * 1024 * 1024;
/** The first frame of a connection: three texts of up to 255 bytes. */
export const HELLO_MAX_BYTES = 1024;
/** Accepted connections in all; a cluster needs two a peer. */
export const INCOMING_CONNECTIONS_MAX = 256;

/**
 * "control" is for what must not wait: heartbeats, votes, acknowledgements.
 * "bulk" is for entries and chunks of state.
 */
export const LANES = ["control", "bulk"] as const;
export type Lane = typeof LANES[number];

export interface LinkLimits {
  /** TCP, TLS and the answer to the hello together. */
  readonly connectTimeoutMs: number;
  /** Waits between tries double from the first to the last, with jitter. */
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** What waits for one lane of one peer; more is dropped. */
  readonly queuedMaxBytes: Readonly<Record<Lane, number>>;
  /** When silence is asked about, and when it means a dead peer. */
  readonly pump: Readonly<Record<Lane, PumpLimits>>;
}

const MIB = 1024 * 1024;

export const LINK_LIMITS: LinkLimits = {
  connectTimeoutMs: 2_000,
  backoffFirstMs: 50,
  backoffMaxMs: 1_000,
  queuedMaxBytes: { control: 4 * MIB, bulk: 80 * MIB },
  pump: {
    control: {
      pauseReadingAboveBytes: Infinity,
      keepaliveIntervalMs: 2_000,
      keepaliveTimeoutMs: 2_000,
    },
    // A follower may be busy with its disk: what it was sent waits in buffers.
    bulk: {
      pauseReadingAboveBytes: Infinity,
      keepaliveIntervalMs: 10_000,
      keepaliveTimeoutMs: 10_000,
    },
  },
};
