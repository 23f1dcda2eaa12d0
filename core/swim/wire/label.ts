/** A cluster label around everything else: byte 244, length u8, the label. */
import { assert } from "../../assert.ts";
import { MESSAGE_TYPE } from "./messages.ts";

const LABEL_BYTES_MAX = 255;
const EMPTY = new Uint8Array(0);

/** The label's header; no bytes at all for an empty label. */
export function encodeLabel(label: Uint8Array): Uint8Array {
  if (label.length === 0) return EMPTY;
  assert(label.length <= LABEL_BYTES_MAX, `Label of ${label.length} bytes`);
  return Uint8Array.from([MESSAGE_TYPE.hasLabel, label.length, ...label]);
}

export type LabelPeel =
  | { readonly kind: "match"; readonly headerBytes: number }
  | { readonly kind: "incomplete" }
  | { readonly kind: "mismatch" };

/** Compares the label that `bytes` begin with, or its absence, with ours. */
export function peelLabel(bytes: Uint8Array, label: Uint8Array): LabelPeel {
  if (bytes.length === 0) return { kind: "incomplete" };
  if (bytes[0] !== MESSAGE_TYPE.hasLabel) {
    if (label.length > 0) return { kind: "mismatch" };
    return { kind: "match", headerBytes: 0 };
  }
  if (bytes.length < 2 || bytes.length < 2 + bytes[1]!) {
    return { kind: "incomplete" };
  }
  const theirs = bytes.subarray(2, 2 + bytes[1]!);
  const isEqual = theirs.length === label.length && label.length > 0 &&
    theirs.every((byte, i) => byte === label[i]);
  if (!isEqual) return { kind: "mismatch" };
  return { kind: "match", headerBytes: 2 + theirs.length };
}
