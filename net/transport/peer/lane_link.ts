/**
 * One lane to one peer: dials, introduces itself, sends; after a break dials
 * again, with waits that grow. Never blocks and never holds more than its bound.
 */
import type { Socket } from "node:net";
import type { Clock, Random, Scheduler } from "../../../core/env.ts";
import { isProglogError, ProglogError } from "../../../core/errors.ts";
import { SocketPump } from "../socket_pump.ts";
import type { Self } from "./hello.ts";
import type { Lane, LinkLimits } from "./limits.ts";
import { OutgoingWire } from "./outgoing_wire.ts";
import { type SendOutcome, SendQueue } from "./send_queue.ts";

export interface LaneEnvironment {
  readonly self: Self;
  /** Connects to "host:port", past the handshake; rejects with ProglogError. */
  readonly dial: (address: string) => Promise<Socket>;
  /** See OutgoingWireOptions. */
  readonly preamble: Uint8Array;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly limits: LinkLimits;
}

export interface LaneOptions {
  readonly peerId: string;
  readonly lane: Lane;
  readonly address: string;
  readonly onUp: () => void;
  /** The connection, or the attempt to have one, has failed. */
  readonly onDown: (reason: ProglogError) => void;
}

/** "waiting": for the next attempt; what is sent meanwhile is dropped. */
export type LaneState = "connecting" | "open" | "waiting" | "stopped";

export class LaneLink {
  readonly #env: LaneEnvironment;
  readonly #options: LaneOptions;
  readonly #queue: SendQueue;
  #address: string;
  #state: LaneState = "waiting";
  /** Counts connections: answers to earlier ones are not for us any more. */
  #attempt = 0;
  #failuresInRow = 0;
  #pump: SocketPump | undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(env: LaneEnvironment, options: LaneOptions) {
    this.#env = env;
    this.#options = options;
    this.#address = options.address;
    this.#queue = new SendQueue({
      queuedMaxBytes: env.limits.queuedMaxBytes[options.lane],
    });
    this.#connect();
  }

  get state(): LaneState {
    return this.#state;
  }

  get queuedBytes(): number {
    return this.#queue.queuedBytes;
  }

  send(pieces: readonly Uint8Array[]): SendOutcome {
    if (this.#state === "waiting" || this.#state === "stopped") {
      return "dropped";
    }
    const outcome = this.#queue.push(pieces);
    if (this.#state === "open") this.#pump?.wake();
    return outcome;
  }

  /** The peer is elsewhere now. */
  readdress(address: string): void {
    if (address === this.#address) return;
    this.#address = address;
    this.#failuresInRow = 0;
    const reason = new ProglogError(
      "unavailable",
      `The peer has moved to ${address}`,
    );
    if (this.#state !== "waiting") this.#drop(reason);
    this.retryNow();
  }

  /** There is reason to think that the peer is back. */
  retryNow(): void {
    if (this.#state !== "waiting") return;
    this.#cancelTimer();
    this.#connect();
  }

  /** Breaks a connection that others know to be dead. */
  break(reason: ProglogError): void {
    if (this.#state === "open" || this.#state === "connecting") {
      this.#failed(reason);
    }
  }

  stop(): void {
    this.#drop(new ProglogError("unavailable", "The link is not needed"));
    this.#cancelTimer();
    this.#state = "stopped";
  }

  #connect(): void {
    this.#state = "connecting";
    this.#attempt += 1;
    const attempt = this.#attempt;
    const { limits, scheduler, dial } = this.#env;
    this.#cancelTimer = scheduler.after(
      limits.connectTimeoutMs,
      () => this.#failed(this.#noAnswer()),
    );
    dial(this.#address).then(
      (socket) => this.#dialled(socket, attempt),
      (error) => {
        if (attempt !== this.#attempt) return;
        this.#failed(asProglogError(error));
      },
    );
  }

  #dialled(socket: Socket, attempt: number): void {
    if (attempt !== this.#attempt) {
      socket.on("error", () => undefined);
      socket.destroy();
      return;
    }
    const { clock, scheduler, limits } = this.#env;
    this.#pump = new SocketPump({
      socket,
      open: () => this.#wire(attempt),
      clock,
      scheduler,
      limits: limits.pump[this.#options.lane],
      onClosed: (reason) => {
        if (attempt === this.#attempt) this.#failed(reason);
      },
    });
  }

  #wire(attempt: number): OutgoingWire {
    const { self, preamble } = this.#env;
    const { lane, peerId } = this.#options;
    const clusterId = self.clusterId();
    return new OutgoingWire({
      self,
      hello: { lane, clusterId, from: self.id, to: peerId },
      preamble,
      queue: this.#queue,
      onWelcome: () => {
        if (attempt === this.#attempt) this.#opened();
      },
      onRefused: (reason) => {
        if (attempt === this.#attempt) this.#failed(this.#refused(reason));
      },
    });
  }

  #opened(): void {
    this.#cancelTimer();
    this.#state = "open";
    this.#failuresInRow = 0;
    this.#pump?.wake();
    this.#options.onUp();
  }

  #failed(reason: ProglogError): void {
    this.#drop(reason);
    this.#state = "waiting";
    this.#cancelTimer = this.#env.scheduler.after(
      this.#backoffMs(),
      () => this.#connect(),
    );
    this.#failuresInRow += 1;
    this.#options.onDown(reason);
  }

  /** Ends the connection or the attempt; what was queued for it is lost. */
  #drop(reason: ProglogError): void {
    this.#cancelTimer();
    this.#attempt += 1;
    this.#state = "waiting";
    const pump = this.#pump;
    this.#pump = undefined;
    this.#queue.clear();
    pump?.destroy(reason);
  }

  /** Half of it is chance, so that peers do not come back all at once. */
  #backoffMs(): number {
    const { backoffFirstMs, backoffMaxMs } = this.#env.limits;
    const doubled = backoffFirstMs * 2 ** Math.min(this.#failuresInRow, 30);
    const ceilingMs = Math.min(backoffMaxMs, doubled);
    return ceilingMs * (0.5 + 0.5 * this.#env.random.nextU32() / 2 ** 32);
  }

  #noAnswer(): ProglogError {
    return new ProglogError(
      "unavailable",
      `Cannot reach the peer at ${this.#address}: no answer within ${this.#env.limits.connectTimeoutMs} ms`,
    );
  }

  #refused(reason: string): ProglogError {
    return new ProglogError(
      "unavailable",
      `Cannot talk to the peer at ${this.#address}: ${reason}`,
      { details: { refused: reason } },
    );
  }
}

function asProglogError(error: unknown): ProglogError {
  if (isProglogError(error)) return error;
  throw error;
}
