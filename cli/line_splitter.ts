/**
 * Cuts a stream of bytes into lines without making text of them. The newline is
 * not part of a line; a last line without one counts. Pure.
 */
const NEWLINE = 10;
const NO_BYTES = new Uint8Array(0);

/** A line as a part of some bytes: `start..end`. */
export interface Line {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export class LineSplitter {
  /** The line that has begun and not ended. */
  #rest: Uint8Array = NO_BYTES;

  /** The lines that end in this chunk. */
  *split(chunk: Uint8Array): Generator<Line, void, undefined> {
    let start = 0;
    for (
      let end = chunk.indexOf(NEWLINE);
      end >= 0;
      end = chunk.indexOf(NEWLINE, start)
    ) {
      if (this.#rest.length > 0) yield this.#joined(chunk.subarray(0, end));
      else yield { bytes: chunk, start, end };
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  }

  /** The last line, if it did not end with a newline. */
  *end(): Generator<Line, void, undefined> {
    if (this.#rest.length > 0) yield this.#joined(NO_BYTES);
  }

  #joined(tail: Uint8Array): Line {
    this.#keep(tail);
    const bytes = this.#rest;
    this.#rest = NO_BYTES;
    return { bytes, start: 0, end: bytes.length };
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const joined = new Uint8Array(this.#rest.length + bytes.length);
    joined.set(this.#rest);
    joined.set(bytes, this.#rest.length);
    this.#rest = joined;
  }
}
