/**
 * What a producer asks of a log and what it is told: shared by the handlers,
 * the loops and the client's side of forwarding.
 */
export interface Proposal {
  /** Encoded records (core/log/record.ts), checked; whoever queues them copies. */
  readonly records: Uint8Array;
  readonly count: number;
  /** Idempotency key; without one a repeated proposal is appended again. */
  readonly producer?: { readonly id: bigint; readonly sequence: number };
}

export interface Accepted {
  /** Offset of the first record; the others follow it. */
  readonly offset: number;
  readonly count: number;
}
