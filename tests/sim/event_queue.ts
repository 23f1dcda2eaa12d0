/**
 * Virtual time: a queue of what happens when. Events of one moment run in the
 * order in which they were put in, so that a seed has one history.
 */
interface Event {
  readonly atMs: number;
  readonly ordinal: number;
  readonly run: () => void;
}

export class EventQueue {
  #heap: Event[] = [];
  #nowMs = 0;
  #count = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events put in so far; names a moment more exactly than the time. */
  get ordinal(): number {
    return this.#count;
  }

  after(delayMs: number, run: () => void): void {
    const event = { atMs: this.#nowMs + delayMs, ordinal: this.#count++, run };
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
  }

  /** Runs the next event, if there is one before `endMs`. */
  step(endMs: number): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.atMs > endMs) {
      this.#nowMs = Math.max(this.#nowMs, endMs);
      return false;
    }
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    this.#nowMs = next.atMs;
    next.run();
    return true;
  }

  #rise(position: number): void {
    let at = position;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfLater(parent, at)) return;
      at = parent;
    }
  }

  #sink(position: number): void {
    let at = position;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const child = right < this.#heap.length && this.#isLater(left, right)
        ? right
        : left;
      if (!this.#swapIfLater(at, child)) return;
      at = child;
    }
  }

  #swapIfLater(parent: number, child: number): boolean {
    if (!this.#isLater(parent, child)) return false;
    const upper = this.#heap[parent];
    const lower = this.#heap[child];
    if (upper === undefined || lower === undefined) return false;
    this.#heap[parent] = lower;
    this.#heap[child] = upper;
    return true;
  }

  #isLater(one: number, other: number): boolean {
    const left = this.#heap[one];
    const right = this.#heap[other];
    if (left === undefined || right === undefined) return false;
    return left.atMs > right.atMs ||
      (left.atMs === right.atMs && left.ordinal > right.ordinal);
  }
}
