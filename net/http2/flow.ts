/**
 * Flow-control windows (RFC 9113 sections 5.2 and 6.9). A window counts payload
 * bytes of DATA, padding included. Callers: streams and the session, both ways.
 *
 * Receive side, invariant: available + released + held by the layer above = size.
 */

export const WINDOW_BYTES_DEFAULT = 65_535;
export const WINDOW_BYTES_MAX = 2 ** 31 - 1;

/** What the peer may still send to us. */
export class ReceiveWindow {
  readonly #updateAtBytes: number;
  #availableBytes: number;
  #releasedBytes = 0;

  constructor(sizeBytes: number) {
    this.#availableBytes = sizeBytes;
    this.#updateAtBytes = Math.max(1, sizeBytes >>> 1);
  }

  /** Takes what a DATA frame uses; false when the peer overran the window. */
  take(bytes: number): boolean {
    if (bytes > this.#availableBytes) return false;
    this.#availableBytes -= bytes;
    return true;
  }

  /** Gives bytes back; returns the WINDOW_UPDATE to send once half the window is due, else 0. */
  release(bytes: number): number {
    this.#releasedBytes += bytes;
    if (this.#releasedBytes < this.#updateAtBytes) return 0;
    const increment = this.#releasedBytes;
    this.#availableBytes += increment;
    this.#releasedBytes = 0;
    return increment;
  }
}

/** What we may still send to the peer; negative after its SETTINGS lowered the window. */
export class SendWindow {
  #availableBytes: number;

  constructor(sizeBytes: number) {
    this.#availableBytes = sizeBytes;
  }

  get availableBytes(): number {
    return this.#availableBytes;
  }

  use(bytes: number): void {
    this.#availableBytes -= bytes;
  }

  /** Applies an update (or a changed initial size); false on overflow of 2^31-1. */
  change(bytes: number): boolean {
    if (this.#availableBytes + bytes > WINDOW_BYTES_MAX) return false;
    this.#availableBytes += bytes;
    return true;
  }
}
