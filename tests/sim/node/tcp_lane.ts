/**
 * One direction of a simulated connection: what is written arrives in order, or
 * is tried again with growing pauses while there is no way.
 */
import type { EventQueue } from "../event_queue.ts";
import type { TcpEnd } from "./tcp.ts";

export type Segment = Uint8Array | "end" | "reset";

interface LaneParts {
  readonly events: EventQueue;
  /** Whether what is sent now arrives. */
  readonly isOpen: () => boolean;
  readonly delayMs: () => number;
  /** Who has the address of the other end now. */
  readonly place: () => "same" | "other" | "nobody";
  readonly from: TcpEnd;
  readonly to: TcpEnd;
}

const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 2_000;

export class TcpLane {
  readonly #parts: LaneParts;
  #queue: { readonly atMs: number; readonly segment: Segment }[] = [];
  #lastMs = 0;
  #retryMs = 0;
  #isArmed = false;
  #isDead = false;
  #queuedBytes = 0;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  send(segment: Segment): void {
    if (this.#isDead) return;
    const { events, delayMs } = this.#parts;
    this.#lastMs = Math.max(this.#lastMs, events.nowMs + delayMs());
    this.#queue.push({ atMs: this.#lastMs, segment });
    if (segment instanceof Uint8Array) this.#queuedBytes += segment.length;
    this.#arm();
  }

  /** Nothing that is still here goes anywhere. */
  die(): void {
    this.#isDead = true;
    this.#queue = [];
  }

  #arm(): void {
    const [first] = this.#queue;
    if (this.#isArmed || first === undefined) return;
    const { events } = this.#parts;
    this.#isArmed = true;
    const delayMs = Math.max(this.#retryMs, first.atMs - events.nowMs);
    events.after(delayMs, () => {
      this.#isArmed = false;
      this.#carry();
    });
  }

  #carry(): void {
    if (this.#isDead) return;
    const { isOpen, events, place, from } = this.#parts;
    const at = place();
    if (at === "nobody" && from.socket.isDestroyed) return this.die();
    if (at === "nobody" || !isOpen()) {
      this.#retryMs = this.#retryMs === 0
        ? RETRY_FIRST_MS
        : Math.min(RETRY_MAX_MS, 2 * this.#retryMs);
      return this.#arm();
    }
    if (at === "other") return this.#refused();
    this.#retryMs = 0;
    while ((this.#queue[0]?.atMs ?? Infinity) <= events.nowMs) {
      const next = this.#queue.shift();
      if (next !== undefined) this.#arrive(next.segment);
    }
    this.#arm();
  }

  #arrive(segment: Segment): void {
    const { from, to } = this.#parts;
    if (segment instanceof Uint8Array) {
      this.#queuedBytes -= segment.length;
      if (this.#queuedBytes === 0) from.life.run(() => from.socket.drained());
    }
    to.life.run(() => to.socket.take(segment));
  }

  /** Another life answers at the address, and knows of no such connection. */
  #refused(): void {
    const { from } = this.#parts;
    this.die();
    from.life.run(() => from.socket.take("reset"));
  }
}
