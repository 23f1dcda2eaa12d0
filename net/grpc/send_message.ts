/**
 * Puts one message into a stream of the HTTP/2 machine, and the sink through
 * which streaming handlers and callers do so. Both roles.
 */
import type { HeaderList, Http2Connection } from "../http2/mod.ts";
import { compress, type Compression } from "./compression.ts";
import { frameMessage, PREFIX_SIZE_BYTES, writePrefix } from "./framing.ts";
import type { MessageSink } from "./types.ts";

/** Above this a second DATA frame is cheaper than copying the message. */
const COPY_MAX_BYTES = 32 * 1024;
/** Below this gzip makes a message longer, not shorter. */
const COMPRESS_MIN_BYTES = 256;

export const MORE_FOLLOWS = { endStream: false } as const;
export const END_STREAM = { endStream: true } as const;
type StreamEnd = typeof MORE_FOLLOWS | typeof END_STREAM;

/** Where a message goes. */
export interface Outlet {
  readonly machine: Http2Connection;
  readonly streamId: number;
  readonly compression: Compression;
}

/** Returns false when the stream's queue is over its high mark. */
export function sendMessage(
  outlet: Outlet,
  message: Uint8Array,
  end: StreamEnd,
): boolean {
  const { machine, streamId } = outlet;
  if (outlet.compression === "gzip" && message.length >= COMPRESS_MIN_BYTES) {
    const framed = frameMessage(compress(message), "compressed");
    return machine.sendData(streamId, framed, end);
  }
  if (message.length <= COPY_MAX_BYTES) {
    return machine.sendData(streamId, frameMessage(message), end);
  }
  machine.sendData(streamId, prefixOf(message.length), MORE_FOLLOWS);
  return machine.sendData(streamId, message, end);
}

function prefixOf(length: number): Uint8Array {
  const prefix = new Uint8Array(PREFIX_SIZE_BYTES);
  writePrefix(prefix, { start: PREFIX_SIZE_BYTES, length, encoding: "plain" });
  return prefix;
}

/** A stream's sending half, as streaming handlers and callers see it. */
export class StreamSink implements MessageSink {
  readonly #outlet: Outlet;
  readonly #wake: () => void;
  /** Goes out before the first message. */
  #head: HeaderList | undefined;
  #isWritable = true;
  #failure: Error | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(
    outlet: Outlet,
    options: { head: HeaderList | undefined; wake: () => void },
  ) {
    this.#outlet = outlet;
    this.#head = options.head;
    this.#wake = options.wake;
  }

  get isHeadSent(): boolean {
    return this.#head === undefined;
  }

  send(message: Uint8Array): boolean {
    this.sendHead();
    this.#isWritable = sendMessage(this.#outlet, message, MORE_FOLLOWS);
    this.#wake();
    return this.#isWritable;
  }

  sendWithHeadroom(buffer: Uint8Array, start: number): boolean {
    if (this.#outlet.compression !== "identity") {
      return this.send(buffer.subarray(start));
    }
    this.sendHead();
    const { machine, streamId } = this.#outlet;
    const length = buffer.length - start;
    writePrefix(buffer, { start, length, encoding: "plain" });
    const framed = buffer.subarray(start - PREFIX_SIZE_BYTES);
    this.#isWritable = machine.sendData(streamId, framed, MORE_FOLLOWS);
    this.#wake();
    return this.#isWritable;
  }

  drained(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isWritable) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers<void>();
    return this.#waiting.promise;
  }

  /** The head alone, where no message may follow soon. */
  sendHead(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#head === undefined) return;
    const { machine, streamId } = this.#outlet;
    machine.sendHeaders(streamId, this.#head, MORE_FOLLOWS);
    this.#head = undefined;
  }

  /** The machine said "writable". */
  writable(): void {
    this.#isWritable = true;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** The call is over: `send` throws `failure`, a pending `drained` rejects with it. */
  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#waiting?.reject(failure);
    this.#waiting = undefined;
  }
}
