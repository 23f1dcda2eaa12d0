/**
 * Cuts a stream of bytes into lines without making text of them. The newline is
 * not part of a line; a last line without one counts. Pure.
 */
const NEWLINE = 10;

export type LineVisitor = (
  bytes: Uint8Array,
  range: { start: number; end: number },
) => void;

export class LineSplitter {
  readonly #visit: LineVisitor;
  #rest = new Uint8Array(0);

  constructor(visit: LineVisitor) {
    this.#visit = visit;
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    let end = chunk.indexOf(NEWLINE);
    if (end >= 0 && this.#rest.length > 0) {
      this.#visitJoined(chunk.subarray(0, end));
      start = end + 1;
      end = chunk.indexOf(NEWLINE, start);
    }
    for (; end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#visit(chunk, { start, end });
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  }

  /** The input has ended. */
  end(): void {
    if (this.#rest.length > 0) this.#visitJoined(new Uint8Array(0));
  }

  #visitJoined(tail: Uint8Array): void {
    this.#keep(tail);
    const line = this.#rest;
    this.#rest = new Uint8Array(0);
    this.#visit(line, { start: 0, end: line.length });
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const joined = new Uint8Array(this.#rest.length + bytes.length);
    joined.set(this.#rest);
    joined.set(bytes, this.#rest.length);
    this.#rest = joined;
  }
}
