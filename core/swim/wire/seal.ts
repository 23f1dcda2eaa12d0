/**
 * The framing of encrypted messages; AES-GCM itself is behind `Cipher`.
 *
 *   packet   | version | nonce 12B | ciphertext | tag 16B |
 *   stream   | 0x0a | u32 BE length of the blob | blob as above |
 *
 * The label is authenticated data, in streams after the five header bytes.
 */
import { STREAM_BYTES_MAX } from "../limits.ts";
import { MESSAGE_TYPE } from "./messages.ts";

/** AES-GCM under a ring of keys; implemented in `net`. */
export interface Cipher {
  /** 12 bytes that are never used twice with a key. */
  nonce(): Uint8Array;
  /** Ciphertext and 16-byte tag under the primary key. */
  seal(input: CipherInput): Uint8Array;
  /** Plain bytes if any key of the ring fits, else undefined. */
  open(input: CipherInput): Uint8Array | undefined;
}

export interface CipherInput {
  readonly nonce: Uint8Array;
  readonly bytes: Uint8Array;
  readonly associatedData: Uint8Array;
}

/** Bytes that version 1 adds to a message: version, nonce, tag. */
export const SEAL_BYTES = 29;
const SEAL_VERSION_PLAIN = 1;
const SEAL_VERSION_PADDED = 0;
const NONCE_END = 13;
const TAG_BYTES = 16;
const STREAM_HEADER_BYTES = 5;

export function sealPacket(
  message: Uint8Array,
  options: { cipher: Cipher; label: Uint8Array },
): Uint8Array {
  return sealBlob(message, options.cipher, options.label);
}

export function openSealedPacket(
  blob: Uint8Array,
  options: { cipher: Cipher; label: Uint8Array },
): Uint8Array | undefined {
  return openBlob(blob, options.cipher, options.label);
}

export function sealStream(
  message: Uint8Array,
  options: { cipher: Cipher; label: Uint8Array },
): Uint8Array {
  const header = new Uint8Array(STREAM_HEADER_BYTES);
  header[0] = MESSAGE_TYPE.encrypt;
  new DataView(header.buffer).setUint32(1, SEAL_BYTES + message.length);
  const associatedData = concat([header, options.label]);
  return concat([header, sealBlob(message, options.cipher, associatedData)]);
}

export type StreamOpening =
  | { readonly kind: "opened"; readonly message: Uint8Array }
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused"; readonly reason: string };

/** Opens a sealed stream message once all of it has come. */
export function openSealedStream(
  bytes: Uint8Array,
  options: { cipher: Cipher; label: Uint8Array },
): StreamOpening {
  if (bytes.length < STREAM_HEADER_BYTES) return { kind: "incomplete" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(1);
  if (length > STREAM_BYTES_MAX) {
    return { kind: "refused", reason: `sealed message of ${length} bytes` };
  }
  const end = STREAM_HEADER_BYTES + length;
  if (bytes.length < end) return { kind: "incomplete" };
  const header = bytes.subarray(0, STREAM_HEADER_BYTES);
  const message = openBlob(
    bytes.subarray(STREAM_HEADER_BYTES, end),
    options.cipher,
    concat([header, options.label]),
  );
  if (message !== undefined) return { kind: "opened", message };
  return { kind: "refused", reason: "no key opens the message" };
}

function sealBlob(
  message: Uint8Array,
  cipher: Cipher,
  associatedData: Uint8Array,
): Uint8Array {
  const nonce = cipher.nonce();
  const sealed = cipher.seal({ nonce, bytes: message, associatedData });
  return concat([Uint8Array.of(SEAL_VERSION_PLAIN), nonce, sealed]);
}

function openBlob(
  blob: Uint8Array,
  cipher: Cipher,
  associatedData: Uint8Array,
): Uint8Array | undefined {
  const version = blob[0];
  if (version !== SEAL_VERSION_PLAIN && version !== SEAL_VERSION_PADDED) {
    return undefined;
  }
  if (blob.length < NONCE_END + TAG_BYTES) return undefined;
  const plain = cipher.open({
    nonce: blob.subarray(1, NONCE_END),
    bytes: blob.subarray(NONCE_END),
    associatedData,
  });
  if (plain === undefined || version === SEAL_VERSION_PLAIN) return plain;
  return withoutPadding(plain);
}

/** PKCS#7: the last byte says how many bytes of padding there are. */
function withoutPadding(plain: Uint8Array): Uint8Array | undefined {
  const count = plain.at(-1) ?? 0;
  if (count === 0 || count > plain.length) return undefined;
  return plain.subarray(0, plain.length - count);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}
