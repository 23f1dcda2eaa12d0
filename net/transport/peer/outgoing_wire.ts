/**
 * The dialling end of a peer connection, without sockets: says hello, and once
 * welcome sends messages. Nothing but welcome, pings and pongs comes back: what
 * the peer has to say, it says on connections that it dials itself.
 */
import { isProglogError, ProglogError } from "../../../core/errors.ts";
import type { Wire } from "../types.ts";
import { encodeFrame, type Frame, FrameReader } from "./frame.ts";
import {
  decodeWelcome,
  encodeHello,
  type Hello,
  type Self,
  welcomeRefusal,
} from "./hello.ts";
import { HELLO_MAX_BYTES } from "./limits.ts";
import type { SendQueue } from "./send_queue.ts";

const NO_BYTES = new Uint8Array(0);
const PING = encodeFrame("ping", NO_BYTES);
const PONG = encodeFrame("pong", NO_BYTES);

export interface OutgoingWireOptions {
  readonly self: Self;
  readonly hello: Hello;
  /** Written before everything, where the listener tells protocols apart by it. */
  readonly preamble: Uint8Array;
  readonly queue: SendQueue;
  readonly onWelcome: () => void;
  /** Either side does not want the other. */
  readonly onRefused: (reason: string) => void;
}

export class OutgoingWire implements Wire {
  readonly #options: OutgoingWireOptions;
  readonly #reader = new FrameReader({ payloadMaxBytes: HELLO_MAX_BYTES });
  #state: "fresh" | "waiting" | "open" | "done" = "fresh";

  constructor(options: OutgoingWireOptions) {
    this.#options = options;
  }

  get queuedBytes(): number {
    return this.#state === "open" ? this.#options.queue.queuedBytes : 0;
  }

  get isDone(): boolean {
    return this.#state === "done";
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
    if (this.#state === "open") return this.#options.queue.take();
    if (this.#state !== "fresh") return [];
    this.#state = "waiting";
    const hello = encodeFrame("hello", encodeHello(this.#options.hello));
    return [this.#options.preamble, hello];
  }

  ping(): void {
    if (this.#state === "open") this.#options.queue.pushUrgent(PING);
  }

  drain(): void {
    this.#state = "done";
  }

  close(_reason: ProglogError): void {
    this.#state = "done";
  }

  #take(frame: Frame): void {
    switch (frame.kind) {
      case "welcome":
        return this.#welcome(frame.payload);
      case "refused":
        return this.#refuse(new TextDecoder().decode(frame.payload));
      case "ping":
        return this.#options.queue.pushUrgent(PONG);
      case "pong":
        return;
      default:
        throw new ProglogError(
          "corrupt",
          `Cannot go on as the peer sent a frame of kind ${frame.kind}`,
        );
    }
  }

  #welcome(payload: Uint8Array): void {
    if (this.#state !== "waiting") return;
    const { self, hello } = this.#options;
    const refusal = welcomeRefusal(decodeWelcome(payload), {
      self,
      to: hello.to,
    });
    if (refusal !== undefined) return this.#refuse(refusal);
    this.#state = "open";
    this.#options.onWelcome();
  }

  #refuse(reason: string): void {
    if (this.#state === "done") return;
    this.#state = "done";
    this.#options.onRefused(reason);
  }
}
