/**
 * Collects a stream's bytes until its one message is whole, peeling label,
 * encryption and compression on the way. Bounded: it holds no more than
 * `STREAM_BYTES_MAX`, and every fault ends the stream with a reason.
 */
import { STREAM_BYTES_MAX, STREAM_STRUCT_BYTES_MAX } from "../limits.ts";
import { readCompressed } from "./compress.ts";
import { peelLabel } from "./label.ts";
import { readAck, readPing } from "./message_decoder.ts";
import {
  type Ack,
  type ErrorMessage,
  MESSAGE_TYPE,
  type Ping,
  type UserMessage,
} from "./messages.ts";
import { MsgpackReader } from "./msgpack_reader.ts";
import type { Envelope } from "./packet.ts";
import { type PushPull, PushPullDecoder } from "./push_pull.ts";
import { openSealedStream } from "./seal.ts";

/** What a stream can carry. */
export type StreamMessage = PushPull | Ping | Ack | UserMessage | ErrorMessage;

export type StreamProgress =
  | { readonly kind: "incomplete" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "message"; readonly message: StreamMessage };

const INCOMPLETE: StreamProgress = { kind: "incomplete" };

export class StreamReader {
  readonly #envelope: Envelope;
  /** The dialling side labels its bytes, the answer has none. */
  #stage: "label" | "seal" | "message";
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #length = 0;
  #pushPull: PushPullDecoder | undefined;
  #wasCompressed = false;

  constructor(envelope: Envelope, side: "dialled_by_peer" | "dialled_by_us") {
    this.#envelope = envelope;
    this.#stage = side === "dialled_by_peer" ? "label" : "seal";
  }

  /** Bytes held back. */
  get heldBytes(): number {
    return this.#buffer.length;
  }

  push(bytes: Uint8Array): StreamProgress {
    if (this.#length + bytes.length > STREAM_BYTES_MAX) {
      return refused(`more than ${STREAM_BYTES_MAX} bytes`);
    }
    this.#append(bytes);
    return this.#progress();
  }

  #progress(): StreamProgress {
    if (this.#stage === "label") {
      const peel = peelLabel(this.#held(), this.#envelope.label);
      if (peel.kind === "incomplete") return INCOMPLETE;
      if (peel.kind === "mismatch") return refused("label does not match");
      this.#replace(this.#held().subarray(peel.headerBytes));
      this.#stage = "seal";
    }
    if (this.#length === 0) return INCOMPLETE;
    if (this.#stage === "seal") return this.#openSeal();
    return this.#readMessage();
  }

  #openSeal(): StreamProgress {
    const { cipher, label, plainInput } = this.#envelope;
    if (this.#buffer[0] !== MESSAGE_TYPE.encrypt) {
      if (cipher !== undefined && plainInput === "refused") {
        return refused("message is not encrypted");
      }
      this.#stage = "message";
      return this.#readMessage();
    }
    if (cipher === undefined) return refused("message is encrypted");
    const opening = openSealedStream(this.#held(), { cipher, label });
    if (opening.kind === "incomplete") return INCOMPLETE;
    if (opening.kind === "refused") return opening;
    this.#replace(opening.message);
    this.#stage = "message";
    return this.#wholeOrRefused(this.#readMessage());
  }

  #readMessage(): StreamProgress {
    const type = this.#buffer[0];
    switch (type) {
      case MESSAGE_TYPE.compress:
        return this.#expand();
      case MESSAGE_TYPE.pushPull:
        return this.#readPushPull();
      case MESSAGE_TYPE.user:
        return this.#readUser();
      case MESSAGE_TYPE.ping:
        return this.#readStruct(readPing);
      case MESSAGE_TYPE.ack:
        return this.#readStruct(readAck);
      case MESSAGE_TYPE.error:
        return this.#readStruct(readError);
      default:
        return refused(`unknown message type ${type}`);
    }
  }

  #expand(): StreamProgress {
    if (this.#wasCompressed) return refused("compressed twice");
    const reader = new MsgpackReader(this.#held(), 1);
    const message = readCompressed(reader, STREAM_BYTES_MAX);
    if (reader.failure === "incomplete") return INCOMPLETE;
    if (message === undefined || message.length === 0) {
      return refused("compressed message is damaged");
    }
    this.#wasCompressed = true;
    this.#replace(message);
    return this.#wholeOrRefused(this.#readMessage());
  }

  #readPushPull(): StreamProgress {
    this.#pushPull ??= new PushPullDecoder(1);
    const progress = this.#pushPull.decode(this.#held());
    if (progress.kind === "complete") {
      return { kind: "message", message: progress.message };
    }
    return progress.kind === "incomplete"
      ? INCOMPLETE
      : refused(`push/pull: ${progress.reason}`);
  }

  #readUser(): StreamProgress {
    const reader = new MsgpackReader(this.#held(), 1);
    let length = 0;
    for (let left = reader.map(); left > 0 && reader.ok; left--) {
      if (reader.text() === "UserMsgLen") length = reader.unsigned(2 ** 32);
      else reader.skip();
    }
    if (!reader.ok) return this.#stop(reader);
    if (length > STREAM_BYTES_MAX) return refused(`user message of ${length}`);
    const end = reader.position + length;
    if (this.#length < end) return INCOMPLETE;
    const payload = this.#buffer.slice(reader.position, end);
    return { kind: "message", message: { kind: "user", payload } };
  }

  #readStruct(
    read: (reader: MsgpackReader) => Ping | Ack | ErrorMessage,
  ): StreamProgress {
    const reader = new MsgpackReader(this.#held(), 1);
    const message = read(reader);
    return reader.ok ? { kind: "message", message } : this.#stop(reader);
  }

  #stop(reader: MsgpackReader): StreamProgress {
    if (reader.failure === "corrupt") return refused("message is damaged");
    return this.#length > STREAM_STRUCT_BYTES_MAX
      ? refused("message header is too long")
      : INCOMPLETE;
  }

  /** Inside encryption or compression nothing can follow later. */
  #wholeOrRefused(progress: StreamProgress): StreamProgress {
    return progress.kind === "incomplete" ? refused("cut short") : progress;
  }

  #held(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #replace(bytes: Uint8Array): void {
    this.#buffer = bytes.slice();
    this.#length = bytes.length;
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      grown.set(this.#held());
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
  }
}

function refused(reason: string): StreamProgress {
  return { kind: "refused", reason };
}

function readError(reader: MsgpackReader): ErrorMessage {
  let error = "";
  for (let left = reader.map(); left > 0 && reader.ok; left--) {
    if (reader.text() === "Error") error = reader.text();
    else reader.skip();
  }
  return { kind: "error", error };
}
