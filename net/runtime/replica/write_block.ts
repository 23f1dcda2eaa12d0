/**
 * A disk without room: why nothing is appended, and when to try again. The node
 * leads no more until there is room; what it has can be read.
 */
import type { Disk, Scheduler } from "../../../core/env.ts";
import { isProglogError, type ProglogError } from "../../../core/errors.ts";

const RETRY_MS = 250;
/** Room that a node should have before it writes again. */
const ROOM_BYTES_MIN = 1024 * 1024;

export interface WriteBlockOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly scheduler: Scheduler;
  /** There is room again. */
  readonly onRoom: () => void;
  /** Nobody can say how much room there is; told once for each block. */
  readonly onUnknown: (cause: ProglogError) => void;
}

export class WriteBlock {
  readonly #options: WriteBlockOptions;
  #reason: ProglogError | undefined;
  #cancelTimer: (() => void) | undefined;
  #isUnknownTold = false;

  constructor(options: WriteBlockOptions) {
    this.#options = options;
  }

  /** Why appends are refused; undefined when they are not. */
  get reason(): ProglogError | undefined {
    return this.#reason;
  }

  begin(reason: ProglogError): void {
    this.#reason = reason;
    this.#watch();
  }

  end(): void {
    this.#reason = undefined;
    this.#isUnknownTold = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #watch(): void {
    const { scheduler } = this.#options;
    this.#cancelTimer ??= scheduler.after(RETRY_MS, () => {
      this.#cancelTimer = undefined;
      if (this.#hasRoom()) this.#options.onRoom();
      else this.#watch();
    });
  }

  /** A disk that does not answer is asked again; what is no answer is a bug. */
  #hasRoom(): boolean {
    const { disk, directory, onUnknown } = this.#options;
    try {
      return disk.freeBytes(directory) >= ROOM_BYTES_MIN;
    } catch (error) {
      if (!isProglogError(error)) throw error;
      if (!this.#isUnknownTold) onUnknown(error);
      this.#isUnknownTold = true;
      return false;
    }
  }
}
