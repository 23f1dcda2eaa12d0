/**
 * Which fields enter the encoder's dynamic table. Caller: the encoder.
 */

/** How a field that is in no table is written (RFC 7541 section 6.2). */
export type Indexing = "indexed" | "not_indexed" | "never_indexed";

export interface IndexingCandidate {
  /** Size of its entry as a part of the whole table. */
  readonly tableShare: number;
  /** Whether a table has its name, so that a literal is only its value. */
  readonly isNameKnown: boolean;
  /** Values of this name in the dynamic table. */
  readonly valueCount: number;
}

export type IndexingRule = (
  name: string,
  candidate: IndexingCandidate,
) => Indexing;

/** Their value changes with every call, so that only their name is worth a place. */
const CHANGING_NAMES: ReadonlySet<string> = new Set([
  "content-length",
  "date",
  "grpc-message",
  "grpc-status-details-bin",
  "grpc-timeout",
  "traceparent",
  "tracestate",
]);

/** Nobody on the way may index them (RFC 7541 section 7.1.3). */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
]);

/** A larger entry would push out too many others. */
const TABLE_SHARE_MAX = 1 / 4;
/** More values of one name stay out, so that no name can flush the table. */
const VALUES_PER_NAME_MAX = 16;

/** Our rule: what repeats from call to call is indexed, secrets never are. */
export function grpcIndexing(
  name: string,
  candidate: IndexingCandidate,
): Indexing {
  if (SECRET_NAMES.has(name)) return "never_indexed";
  if (candidate.tableShare > TABLE_SHARE_MAX) return "not_indexed";
  if (CHANGING_NAMES.has(name)) {
    return candidate.isNameKnown ? "not_indexed" : "indexed";
  }
  return candidate.valueCount >= VALUES_PER_NAME_MAX
    ? "not_indexed"
    : "indexed";
}
