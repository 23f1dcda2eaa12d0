/**
 * Reads committed records, and waits for more. Nothing can be read while a reset
 * is under way. Callers: replica.ts.
 */
import { type Offset, offset } from "../../../core/ids.ts";
import type { Log } from "../../../core/log/log.ts";
import { Waiters } from "../waiters.ts";
import type { Applier } from "./applier.ts";
import type { ReplicaLogView } from "./log_view.ts";
import type { ReplicaResetter } from "./resetter.ts";

export interface ReadRequest {
  readonly offset: Offset;
  readonly bytesMax: number;
  readonly offsetEnd: Offset;
  readonly headroomBytes: number;
}

export interface ReaderParts {
  readonly log: Log;
  readonly view: ReplicaLogView;
  readonly applier: Applier;
  readonly resetter: ReplicaResetter;
}

export class ReplicaReader {
  readonly #parts: ReaderParts;
  readonly #waiting = new Waiters();

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  get lowestOffset(): Offset {
    return this.#parts.view.start.nextOffset;
  }

  get nextOffset(): Offset {
    return this.#parts.applier.nextOffset;
  }

  get #isResetting(): boolean {
    return this.#parts.resetter.isResetting;
  }

  /** Undefined at the end of what is committed, and before the start. */
  read(request: ReadRequest) {
    if (this.#isResetting) return undefined;
    if (request.offset < this.lowestOffset) return undefined;
    const result = this.#parts.log.read({
      offset: request.offset,
      bytesMax: request.bytesMax,
      limitOffset: offset(Math.min(request.offsetEnd, this.nextOffset)),
      headroomBytes: request.headroomBytes,
      oversized: "split",
    });
    if (!result.ok) return undefined;
    const { baseOffset, count, appendTimeMs, records, term } = result;
    const recordsStart = records.byteOffset;
    const end = recordsStart + records.length;
    const buffer = new Uint8Array(records.buffer, 0, end);
    return { baseOffset, count, appendTimeMs, term, buffer, recordsStart };
  }

  offsetAtTime(timeMs: number): Offset {
    if (this.#isResetting) return this.nextOffset;
    const found = this.#parts.log.offsetAtTime(timeMs);
    return offset(
      Math.max(this.lowestOffset, Math.min(found, this.nextOffset)),
    );
  }

  /** As `Replica.whenReadable`. */
  whenReadable(from: Offset, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    // Readers who were woken in a reset would ask again at once, for ever.
    const isThere = from < this.nextOffset && !this.#isResetting;
    return isThere ? Promise.resolve() : this.#waiting.wait(signal);
  }

  /** There is more to read, or a reset has ended. */
  wake(): void {
    this.#waiting.wake();
  }

  /** Refuses all who wait, and those who come. */
  end(reason: Error): void {
    this.#waiting.end(reason);
  }
}
