/**
 * Reads DER (ITU-T X.690): tag, length, content, one inside the other. Every
 * length is checked against what holds it. Pure. Caller: certificate_identity.ts.
 *
 *     +-----+---------------------------+---------+
 *     | tag | length: 0..127, or 80+n   | content |
 *     |     | and n bytes of length     |         |
 *     +-----+---------------------------+---------+
 */

export interface DerValue {
  /** The identifier octet: class, constructed or not, number. */
  readonly tag: number;
  readonly content: Uint8Array;
}

/** A certificate is some kilobytes; three bytes of length are 16 MiB. */
const LENGTH_BYTES_MAX = 3;
const LONG_FORM = 0x80;
/** Numbers from 31 on take more octets; X.509 uses none. */
const MULTIPLE_OCTETS = 0x1f;

/** The values that follow each other in `bytes`; undefined when it is no DER. */
export function readDer(bytes: Uint8Array): DerValue[] | undefined {
  const values: DerValue[] = [];
  let at = 0;
  while (at < bytes.length) {
    const head = readHead(bytes, at);
    if (head === undefined || head.end > bytes.length) return undefined;
    values.push({
      tag: head.tag,
      content: bytes.subarray(head.start, head.end),
    });
    at = head.end;
  }
  return values;
}

interface Head {
  readonly tag: number;
  /** Where the content starts and ends. */
  readonly start: number;
  readonly end: number;
}

function readHead(bytes: Uint8Array, at: number): Head | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) return undefined;
  if ((tag & MULTIPLE_OCTETS) === MULTIPLE_OCTETS) return undefined;
  if (first < LONG_FORM) return { tag, start: at + 2, end: at + 2 + first };
  const count = first - LONG_FORM;
  if (count === 0 || count > LENGTH_BYTES_MAX) return undefined;
  let length = 0;
  for (const byte of bytes.subarray(at + 2, at + 2 + count)) {
    length = length * 256 + byte;
  }
  const start = at + 2 + count;
  return { tag, start, end: start + length };
}
