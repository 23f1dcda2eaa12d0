/**
 * Length-prefixed messages (gRPC over HTTP/2 protocol, "Length-Prefixed-Message").
 *
 *   0        1                 5
 *   +--------+-----------------+----------------+
 *   | flag   | length (u32 BE) | message        |   flag: 0 plain, 1 compressed
 *   +--------+-----------------+----------------+
 *
 * Used by both roles. A message that lies in one chunk is handed out as a view.
 */
import { STATUS, StatusError } from "./status.ts";

export const PREFIX_SIZE_BYTES = 5;
/** gRPC's own default. */
export const MESSAGE_SIZE_MAX_DEFAULT_BYTES = 4 * 1024 * 1024;

const FLAG_PLAIN = 0;
const FLAG_COMPRESSED = 1;
/** Memory follows what arrived, not what a prefix announces. */
const GROWTH_FIRST_BYTES = 16 * 1024;

export type Encoding = "plain" | "compressed";

/** Writes the prefix of a message of `length` bytes that starts at `start` (>= 5). */
export function writePrefix(
  buffer: Uint8Array,
  { start, length, encoding }: {
    start: number;
    length: number;
    encoding: Encoding;
  },
): void {
  buffer[start - 5] = encoding === "plain" ? FLAG_PLAIN : FLAG_COMPRESSED;
  buffer[start - 4] = length >>> 24;
  buffer[start - 3] = length >>> 16;
  buffer[start - 2] = length >>> 8;
  buffer[start - 1] = length;
}

/** Prefix and message in one new buffer. */
export function frameMessage(
  message: Uint8Array,
  encoding: Encoding = "plain",
): Uint8Array {
  const length = message.length;
  const framed = new Uint8Array(PREFIX_SIZE_BYTES + length);
  writePrefix(framed, { start: PREFIX_SIZE_BYTES, length, encoding });
  framed.set(message, PREFIX_SIZE_BYTES);
  return framed;
}

/**
 * Cuts a byte stream into messages: `push` a chunk, then call `next` until it
 * returns undefined. Messages stay valid as long as the chunks they view.
 */
export class MessageDecoder {
  readonly #sizeMaxBytes: number;
  #chunk: Uint8Array | undefined;
  #position = 0;
  /** The prefix or message that began in an earlier chunk. */
  #partial: PartialMessage | undefined;
  /** How the last message of `next` is encoded. */
  encoding: Encoding = "plain";

  constructor(sizeMaxBytes: number) {
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  /** True while a message has begun and not ended. */
  get isInMessage(): boolean {
    return this.#partial !== undefined;
  }

  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#position = 0;
  }

  /** @throws StatusError RESOURCE_EXHAUSTED or INTERNAL (unknown flag). */
  next(): Uint8Array | undefined {
    const chunk = this.#chunk;
    if (chunk === undefined) return undefined;
    if (this.#partial !== undefined) return this.#continue(chunk);
    const at = this.#position;
    if (chunk.length - at < PREFIX_SIZE_BYTES) return this.#keepRest(chunk);
    const length = this.#readPrefix(chunk, at);
    const end = at + PREFIX_SIZE_BYTES + length;
    if (end > chunk.length) return this.#keepRest(chunk);
    this.#position = end;
    return chunk.subarray(at + PREFIX_SIZE_BYTES, end);
  }

  #readPrefix(bytes: Uint8Array, at: number): number {
    const flag = bytes[at] ?? 0;
    if (flag > FLAG_COMPRESSED) {
      throw new StatusError(
        STATUS.INTERNAL,
        `Cannot read a message as its compression flag is ${flag}`,
      );
    }
    this.encoding = flag === FLAG_PLAIN ? "plain" : "compressed";
    const length = (bytes[at + 1] ?? 0) * 0x1000000 +
      ((bytes[at + 2] ?? 0) << 16 | (bytes[at + 3] ?? 0) << 8 |
        (bytes[at + 4] ?? 0));
    if (length > this.#sizeMaxBytes) throw tooLarge(length, this.#sizeMaxBytes);
    return length;
  }

  #keepRest(chunk: Uint8Array): undefined {
    const rest = chunk.subarray(this.#position);
    this.#chunk = undefined;
    if (rest.length === 0) return;
    this.#partial = new PartialMessage();
    this.#partial.take(rest, rest.length);
  }

  #continue(chunk: Uint8Array): Uint8Array | undefined {
    const partial = this.#partial;
    if (partial === undefined) return undefined;
    if (partial.size < PREFIX_SIZE_BYTES) {
      this.#position += partial.take(chunk, PREFIX_SIZE_BYTES - partial.size);
    }
    if (partial.size < PREFIX_SIZE_BYTES) return this.#waitForMore();
    const whole = PREFIX_SIZE_BYTES + this.#readPrefix(partial.bytes, 0);
    const rest = chunk.subarray(this.#position);
    this.#position += partial.take(rest, whole - partial.size);
    if (partial.size < whole) return this.#waitForMore();
    this.#partial = undefined;
    return partial.bytes.subarray(PREFIX_SIZE_BYTES, whole);
  }

  #waitForMore(): undefined {
    this.#chunk = undefined;
  }
}

/** The bytes of a message so far, prefix included, in a buffer that grows. */
class PartialMessage {
  bytes = new Uint8Array(0);
  size = 0;

  /** Copies up to `countMax` bytes from the front of `from`; returns how many. */
  take(from: Uint8Array, countMax: number): number {
    const count = Math.min(from.length, countMax);
    this.#reserve(this.size + count, this.size + countMax);
    this.bytes.set(from.subarray(0, count), this.size);
    this.size += count;
    return count;
  }

  #reserve(needed: number, atMost: number): void {
    if (this.bytes.length >= needed) return;
    const doubled = Math.max(GROWTH_FIRST_BYTES, this.bytes.length * 2);
    const grown = new Uint8Array(
      Math.max(needed, Math.min(doubled, atMost)),
    );
    grown.set(this.bytes.subarray(0, this.size));
    this.bytes = grown;
  }
}

/** The error that names both sizes. */
export function tooLarge(size: number, sizeMax: number): StatusError {
  return new StatusError(
    STATUS.RESOURCE_EXHAUSTED,
    `Cannot receive a message of ${size} bytes as the limit is ${sizeMax} bytes`,
  );
}
