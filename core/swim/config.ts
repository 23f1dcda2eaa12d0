/**
 * The figures of the protocol, by kind of network, as HashiCorp's tools set
 * them: nodes of one cluster must agree roughly on them. (memberlist-wire 9)
 */

export interface SwimTimings {
  /** Longest life of one stream. */
  readonly streamTimeoutMs: number;
  readonly probeIntervalMs: number;
  /** Wait for a direct answer, before others are asked to try. */
  readonly probeTimeoutMs: number;
  /** How many others are asked. */
  readonly indirectChecks: number;
  /** Times log10(n): how often one broadcast is sent. */
  readonly retransmitMultiplier: number;
  readonly suspicionMultiplier: number;
  readonly suspicionMaxMultiplier: number;
  readonly pushPullIntervalMs: number;
  readonly gossipIntervalMs: number;
  /** Nodes that each round of gossip goes to. */
  readonly gossipNodes: number;
  /** How long the dead still get gossip, and are remembered. */
  readonly gossipToTheDeadMs: number;
  /** When the name of a dead node may come back at another address. */
  readonly deadNodeReclaimMs: number;
  /** Highest health score + 1. */
  readonly healthMax: number;
}

/** One data centre. */
export const TIMINGS_LAN: SwimTimings = {
  streamTimeoutMs: 10_000,
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  indirectChecks: 3,
  retransmitMultiplier: 4,
  suspicionMultiplier: 4,
  suspicionMaxMultiplier: 6,
  pushPullIntervalMs: 30_000,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  deadNodeReclaimMs: 30_000,
  healthMax: 8,
};

/** Several data centres. */
export const TIMINGS_WAN: SwimTimings = {
  ...TIMINGS_LAN,
  streamTimeoutMs: 30_000,
  probeIntervalMs: 5000,
  probeTimeoutMs: 3000,
  suspicionMultiplier: 6,
  pushPullIntervalMs: 60_000,
  gossipIntervalMs: 500,
  gossipNodes: 4,
  gossipToTheDeadMs: 60_000,
};

/** One machine. */
export const TIMINGS_LOCAL: SwimTimings = {
  ...TIMINGS_LAN,
  streamTimeoutMs: 1000,
  probeTimeoutMs: 200,
  indirectChecks: 1,
  retransmitMultiplier: 2,
  suspicionMultiplier: 3,
  pushPullIntervalMs: 15_000,
  gossipIntervalMs: 100,
  gossipToTheDeadMs: 15_000,
};

/** [pmin, pmax, pcur, dmin, dmax, dcur]: memberlist 2 of 1..5, serf 5 of 2..5. */
export const OUR_VERSIONS: Uint8Array = Uint8Array.of(1, 5, 2, 2, 5, 5);

/** From this protocol version on a peer answers pings on streams. */
export const VERSION_STREAM_PING = 3;
/** From this protocol version on a peer sends nacks. */
export const VERSION_NACK = 4;
/** From this protocol version on a peer checks CRCs. */
export const VERSION_CHECKSUM = 5;
