/**
 * Data that a stream has queued for the peer, by reference. Bytes leave in pieces
 * of any size, straight into the output. Callers: the send side.
 */
import type { Output } from "./output.ts";

export class SendQueue {
  #buffers: Uint8Array[] = [];
  /** First buffer that is not sent, and how much of it is. */
  #next = 0;
  #offset = 0;
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#buffers.push(bytes);
    this.#bytes += bytes.length;
  }

  /** Moves exactly `bytes` of what is queued to the output. */
  moveTo(
    output: Output,
    options: { bytes: number; copiedMaxBytes: number },
  ): void {
    let left = options.bytes;
    this.#bytes -= left;
    while (left > 0) {
      const buffer = this.#buffers[this.#next]!;
      const end = Math.min(buffer.length, this.#offset + left);
      left -= end - this.#offset;
      writePayload(output, viewOf(buffer, this.#offset, end), options);
      this.#offset = end;
      if (end === buffer.length) this.#advance();
    }
  }

  clear(): void {
    this.#buffers = [];
    this.#next = 0;
    this.#offset = 0;
    this.#bytes = 0;
  }

  #advance(): void {
    this.#next += 1;
    this.#offset = 0;
    if (this.#next === this.#buffers.length) {
      this.#buffers.length = 0;
      this.#next = 0;
    } else if (this.#next >= 64) {
      this.#buffers.splice(0, this.#next);
      this.#next = 0;
    }
  }
}

/** Small payloads are cheaper copied than written on their own. */
export function writePayload(
  output: Output,
  bytes: Uint8Array,
  options: { copiedMaxBytes: number },
): void {
  if (bytes.length <= options.copiedMaxBytes) output.copy(bytes);
  else output.refer(bytes);
}

function viewOf(bytes: Uint8Array, from: number, end: number): Uint8Array {
  if (from === 0 && end === bytes.length) return bytes;
  return bytes.subarray(from, end);
}
