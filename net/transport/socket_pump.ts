/**
 * Moves bytes between a socket and a wire (see types.ts), with back-pressure
 * both ways, one write per turn of the event loop, and a check that the peer is
 * alive. Owns the socket from its construction to `onClosed`.
 */
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import process from "node:process";
import type { Clock, Scheduler } from "../../core/env.ts";
import { ProglogError } from "../../core/errors.ts";
import type { OutputBudget } from "./output_budget.ts";
import type { Wire } from "./types.ts";

export interface PumpLimits {
  /**
   * While the peer does not read and more than this is queued for it, nothing
   * more is read from it. Infinity for clients: two ends that both wait would
   * wait for ever.
   */
  readonly pauseReadingAboveBytes: number;
  /** Silence after which the peer is asked for a sign of life. */
  readonly keepaliveIntervalMs: number;
  /** How long it may take to answer, or to read what is written. */
  readonly keepaliveTimeoutMs: number;
}

export const SERVER_PUMP_LIMITS: PumpLimits = {
  pauseReadingAboveBytes: 1024 * 1024,
  keepaliveIntervalMs: 30_000,
  keepaliveTimeoutMs: 20_000,
};

export const CLIENT_PUMP_LIMITS: PumpLimits = {
  ...SERVER_PUMP_LIMITS,
  pauseReadingAboveBytes: Infinity,
};

export interface PumpOptions {
  readonly socket: Socket;
  /** Makes the wire; it calls `wake` whenever output waits in it. */
  readonly open: (wake: () => void) => Wire;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: PumpLimits;
  readonly budget?: OutputBudget;
  readonly onClosed?: (reason: ProglogError) => void;
}

/** About as much as one write costs less than what it lets begin earlier. */
const EARLY_WRITE_BYTES = 4 * 1024;

export class SocketPump {
  readonly #socket: Socket;
  readonly #wire: Wire;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #limits: PumpLimits;
  readonly #budget: OutputBudget | undefined;
  readonly #onClosed: (reason: ProglogError) => void;
  #isFlushScheduled = false;
  /** The socket's buffer is full since then. */
  #blockedSinceMs: number | undefined;
  #isPaused = false;
  #isEnding = false;
  #isClosed = false;
  #lastReceivedMs: number;
  #queuedBytes = 0;
  #cancelCheck: () => void = () => undefined;

  constructor(options: PumpOptions) {
    this.#socket = options.socket;
    this.#clock = options.clock;
    this.#scheduler = options.scheduler;
    this.#limits = options.limits;
    this.#budget = options.budget;
    this.#onClosed = options.onClosed ?? (() => undefined);
    this.#lastReceivedMs = options.clock.monotonicMs();
    this.#wire = options.open(() => this.wake());
    this.#listen();
    this.#scheduleCheck();
    this.wake();
  }

  /**
   * Writes what waits once the current turn's callbacks and promises are
   * through, and much of it at once: then the peer works while this turn goes on.
   */
  wake(): void {
    if (this.#isClosed) return;
    if (!this.#isFlushScheduled) {
      this.#isFlushScheduled = true;
      process.nextTick(this.#flushNow);
    } else if (this.#wire.queuedBytes >= EARLY_WRITE_BYTES) this.#write();
  }

  /** Ends the connection when the open calls have ended. */
  drain(): void {
    if (this.#isClosed) return;
    this.#wire.drain();
    this.wake();
  }

  destroy(reason: ProglogError): void {
    if (this.#isClosed) return;
    this.#close(reason);
    this.#socket.destroy();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("drain", () => this.#unblock());
    socket.on("end", () => this.destroy(closedBy("the peer")));
    socket.on("error", (error: Error) => this.destroy(brokenBy(error)));
    socket.on("close", () => this.destroy(closedBy("the peer")));
  }

  /** `first`: bytes that were read before the pump took over. */
  receiveFirst(first: Uint8Array): void {
    if (first.length > 0) this.#receive(first);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    this.#lastReceivedMs = this.#clock.monotonicMs();
    this.#wire.receive(chunk, this.#lastReceivedMs);
    this.wake();
    if (this.#blockedSinceMs !== undefined) this.#account();
  }

  readonly #flushNow = (): void => {
    this.#isFlushScheduled = false;
    if (this.#isClosed || this.#isEnding) return;
    this.#write();
    this.#account();
    if (this.#wire.isDone && this.#wire.queuedBytes === 0) this.#end();
  };

  #write(): void {
    while (this.#blockedSinceMs === undefined) {
      const output = this.#wire.takeOutput();
      if (output.length === 0) return;
      if (!this.#socket.write(joined(output))) this.#block();
    }
  }

  #block(): void {
    this.#blockedSinceMs = this.#clock.monotonicMs();
  }

  #unblock(): void {
    this.#blockedSinceMs = undefined;
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket.resume();
    }
    this.wake();
  }

  /** Tells the budget what is queued, and stops reading from a peer that does not read. */
  #account(): void {
    const isBlocked = this.#blockedSinceMs !== undefined;
    const inSocket = isBlocked ? this.#socket.writableLength : 0;
    const queuedBytes = this.#wire.queuedBytes + inSocket;
    const grownBytes = queuedBytes - this.#queuedBytes;
    this.#queuedBytes = queuedBytes;
    this.#budget?.add(grownBytes);
    if (!isBlocked) return;
    if (grownBytes > 0 && this.#budget?.isExceeded === true) {
      return this.destroy(tooSlow());
    }
    if (queuedBytes > this.#limits.pauseReadingAboveBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#socket.pause();
    }
  }

  /** Everything is said: closes after the last bytes are out. */
  #end(): void {
    this.#isEnding = true;
    this.#socket.end();
  }

  #scheduleCheck(): void {
    this.#cancelCheck = this.#scheduler.after(
      this.#limits.keepaliveIntervalMs,
      () => this.#check(),
    );
  }

  #check(): void {
    if (this.#isClosed) return;
    const { keepaliveIntervalMs, keepaliveTimeoutMs } = this.#limits;
    const nowMs = this.#clock.monotonicMs();
    const blockedMs = nowMs - (this.#blockedSinceMs ?? nowMs);
    if (blockedMs > keepaliveTimeoutMs) return this.destroy(tooSlow());
    const silentMs = nowMs - this.#lastReceivedMs;
    if (this.#isPaused || silentMs < keepaliveIntervalMs) {
      return this.#scheduleCheck();
    }
    this.#wire.ping();
    this.wake();
    this.#cancelCheck = this.#scheduler.after(
      keepaliveTimeoutMs,
      () => this.#expectLife(nowMs),
    );
  }

  #expectLife(askedMs: number): void {
    if (this.#isClosed) return;
    if (this.#lastReceivedMs >= askedMs || this.#isPaused) {
      return this.#scheduleCheck();
    }
    this.destroy(
      new ProglogError("unavailable", "The peer does not answer pings"),
    );
  }

  #close(reason: ProglogError): void {
    this.#isClosed = true;
    this.#cancelCheck();
    this.#wire.close(reason);
    this.#budget?.add(-this.#queuedBytes);
    this.#queuedBytes = 0;
    this.#onClosed(reason);
  }
}

function joined(output: readonly Uint8Array[]): Uint8Array {
  const first = output[0];
  return output.length === 1 && first !== undefined
    ? first
    : Buffer.concat(output);
}

function closedBy(whom: string): ProglogError {
  return new ProglogError(
    "unavailable",
    `The connection was closed by ${whom}`,
  );
}

function brokenBy(error: Error): ProglogError {
  return new ProglogError(
    "unavailable",
    `The connection broke: ${error.message}`,
    { cause: error },
  );
}

function tooSlow(): ProglogError {
  return new ProglogError(
    "overloaded",
    "The peer does not read what it is sent",
  );
}
