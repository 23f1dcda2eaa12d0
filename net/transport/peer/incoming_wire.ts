/**
 * The accepting end of a peer connection, without sockets: checks the hello,
 * hands on messages, answers pings.
 */
import { isProglogError, ProglogError } from "../../../core/errors.ts";
import type { Wire } from "../types.ts";
import {
  encodeFrame,
  type Frame,
  FrameReader,
  MessageAssembler,
} from "./frame.ts";
import {
  decodeHello,
  encodeWelcome,
  type Hello,
  refusalOf,
  type Self,
} from "./hello.ts";
import {
  FRAME_PAYLOAD_MAX_BYTES,
  HELLO_MAX_BYTES,
  MESSAGE_MAX_BYTES,
} from "./limits.ts";

const NO_BYTES = new Uint8Array(0);

export interface IncomingWireOptions {
  readonly self: Self;
  /** The hello was good: from now on it is that node. */
  readonly onHello: (hello: Hello) => void;
  /** May throw `corrupt`: then the connection ends. The bytes may be kept. */
  readonly onMessage: (from: string, bytes: Uint8Array) => void;
  readonly onRefused: (reason: string) => void;
}

export class IncomingWire implements Wire {
  readonly #options: IncomingWireOptions;
  readonly #reader = new FrameReader({ payloadMaxBytes: HELLO_MAX_BYTES });
  readonly #assembler = new MessageAssembler({
    sizeMaxBytes: MESSAGE_MAX_BYTES,
  });
  #output: Uint8Array[] = [];
  #from: string | undefined;
  #isDone = false;

  constructor(options: IncomingWireOptions) {
    this.#options = options;
  }

  get queuedBytes(): number {
    return this.#output.reduce((sum, { length }) => sum + length, 0);
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  receive(chunk: Uint8Array): void {
    try {
      this.#reader.push(chunk, (frame) => this.#take(frame));
    } catch (error) {
      if (!isProglogError(error)) throw error;
      this.#refuse(error.message);
    }
  }

  takeOutput(): readonly Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  ping(): void {
    if (this.#from !== undefined) this.#send("ping");
  }

  drain(): void {
    this.#isDone = true;
  }

  close(_reason: ProglogError): void {
    this.#isDone = true;
  }

  #take(frame: Frame): void {
    if (this.#isDone) return;
    if (this.#from === undefined) return this.#hello(frame);
    switch (frame.kind) {
      case "part":
        return this.#assembler.part(frame.payload);
      case "end": {
        const message = this.#assembler.end(frame.payload);
        return this.#options.onMessage(this.#from, message);
      }
      case "ping":
        return this.#send("pong");
      case "pong":
        return;
      default:
        throw new ProglogError(
          "corrupt",
          `Cannot go on as the peer sent a frame of kind ${frame.kind}`,
        );
    }
  }

  #hello(frame: Frame): void {
    if (frame.kind !== "hello") {
      return this.#refuse(`the first frame is of kind ${frame.kind}`);
    }
    const hello = decodeHello(frame.payload);
    const { self } = this.#options;
    const refusal = refusalOf(hello, self);
    if (refusal !== undefined) return this.#refuse(refusal);
    this.#from = hello.from;
    this.#reader.payloadMaxBytes = FRAME_PAYLOAD_MAX_BYTES;
    const welcome = { clusterId: self.clusterId(), from: self.id };
    this.#send("welcome", encodeWelcome(welcome));
    this.#options.onHello(hello);
  }

  #send(kind: Frame["kind"], payload: Uint8Array = NO_BYTES): void {
    this.#output.push(encodeFrame(kind, payload));
  }

  #refuse(reason: string): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#send("refused", new TextEncoder().encode(reason));
    this.#options.onRefused(reason);
  }
}
