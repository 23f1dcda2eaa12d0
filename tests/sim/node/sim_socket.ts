/**
 * A socket without a system under it: as much of node:net's as a socket pump
 * uses, over two lanes of simulated TCP.
 */
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { Segment, TcpLane } from "./tcp_lane.ts";

/** More than this is not taken without a "drain". */
const BUFFER_BYTES = 64 * 1024;

export class SimSocket extends EventEmitter {
  #out: TcpLane | undefined;
  #isBlocked = false;
  #isPaused = false;
  #isDestroyed = false;
  #held: Segment[] = [];

  connect(out: TcpLane): void {
    this.#out = out;
  }

  /** For those who want one of node:net. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  get writableLength(): number {
    return this.#out?.queuedBytes ?? 0;
  }

  setNoDelay(): void {}

  write(bytes: Uint8Array): boolean {
    if (this.#isDestroyed) return false;
    this.#out?.send(bytes.slice());
    this.#isBlocked = this.writableLength > BUFFER_BYTES;
    return !this.#isBlocked;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const segment of this.#held.splice(0)) this.take(segment);
  }

  end(): void {
    this.#out?.send("end");
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#out?.send("end");
    this.emit("close");
  }

  /** The process is gone; "silent": its machine is, too. */
  die(how: "silent" | "told"): void {
    this.#isDestroyed = true;
    this.removeAllListeners();
    if (how === "told") this.#out?.send("reset");
    else this.#out?.die();
  }

  drained(): void {
    if (!this.#isBlocked || this.#isDestroyed) return;
    this.#isBlocked = false;
    this.emit("drain");
  }

  take(segment: Segment): void {
    if (this.#isDestroyed) return;
    if (this.#isPaused) return void this.#held.push(segment);
    if (segment === "end") this.emit("end");
    else if (segment === "reset") {
      this.emit("error", new Error("ECONNRESET"));
      this.destroy();
    } else this.emit("data", segment);
  }
}
