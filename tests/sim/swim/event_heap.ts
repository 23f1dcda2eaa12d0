/** Events in the order of their time, then of their making. */

export interface SimEvent {
  readonly atMs: number;
  readonly run: () => void;
}

interface Entry extends SimEvent {
  readonly order: number;
  isCancelled: boolean;
}

export class EventHeap {
  readonly #heap: Entry[] = [];
  #order = 0;

  /** The function returned cancels the event. */
  push(atMs: number, run: () => void): () => void {
    const entry = { atMs, run, order: this.#order++, isCancelled: false };
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    return () => {
      entry.isCancelled = true;
    };
  }

  /** Takes the next event that is not after `untilMs`. */
  popUntil(untilMs: number): SimEvent | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= untilMs) {
      const entry = this.#pop();
      if (!entry.isCancelled) return entry;
    }
    return undefined;
  }

  #pop(): Entry {
    const top = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return top;
  }

  #rise(index: number): void {
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(this.#heap[parent]!, this.#heap[index]!)) return;
      this.#swap(parent, index);
      index = parent;
    }
  }

  #sink(index: number): void {
    while (true) {
      let first = 2 * index + 1;
      if (first >= this.#heap.length) return;
      const right = this.#heap[first + 1];
      if (right !== undefined && isBefore(right, this.#heap[first]!)) first++;
      if (isBefore(this.#heap[index]!, this.#heap[first]!)) return;
      this.#swap(index, first);
      index = first;
    }
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
