/**
 * The dynamic table of HPACK (RFC 7541 sections 2.3.2 and 4): a queue of fields
 * bounded by bytes. New fields enter at the front with index 62, the oldest leave.
 * Both the encoder and the decoder keep one; each entry has a serial that never changes:
 *
 *   index   62        63        64             (front = newest)
 *   serial  added-1   added-2   added-3
 */
import type { HeaderField } from "../types.ts";
import { STATIC_COUNT } from "./static_table.ts";

/** Bytes an entry counts beside its text (RFC 7541 section 4.1). */
export const ENTRY_OVERHEAD_BYTES = 32;

export function fieldSizeBytes(name: string, value: string): number {
  return name.length + value.length + ENTRY_OVERHEAD_BYTES;
}

export class DynamicTable {
  /** Ring: the entry of serial `s` is at `s % length`, a power of two. */
  #ring: (HeaderField | undefined)[] = new Array(16).fill(undefined);
  #added = 0;
  #count = 0;
  #sizeBytes = 0;
  #capacityBytes: number;
  #generation = 0;
  readonly #onEvict: ((field: HeaderField, serial: number) => void) | undefined;

  constructor(
    capacityBytes: number,
    onEvict?: (field: HeaderField, serial: number) => void,
  ) {
    this.#capacityBytes = capacityBytes;
    this.#onEvict = onEvict;
  }

  /** Entries now in the table. */
  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get capacityBytes(): number {
    return this.#capacityBytes;
  }

  /** Changes whenever an index may mean something else than before. */
  get generation(): number {
    return this.#generation;
  }

  /** The field at a header block's index (62 and up); undefined past the end. */
  at(index: number): HeaderField | undefined {
    const place = index - STATIC_COUNT;
    if (place < 1 || place > this.#count) return undefined;
    return this.#ring[(this.#added - place) & (this.#ring.length - 1)];
  }

  indexOfSerial(serial: number): number {
    return STATIC_COUNT + this.#added - serial;
  }

  /**
   * Adds a field and evicts what no longer fits. A field larger than the table
   * empties it and is not an error (section 4.4). Returns its serial, or -1.
   */
  add(field: HeaderField): number {
    const sizeBytes = fieldSizeBytes(field[0], field[1]);
    this.#generation += 1;
    this.#evictTo(this.#capacityBytes - sizeBytes);
    if (sizeBytes > this.#capacityBytes) return -1;
    if (this.#count === this.#ring.length) this.#growRing();
    const serial = this.#added++;
    this.#ring[serial & (this.#ring.length - 1)] = field;
    this.#count += 1;
    this.#sizeBytes += sizeBytes;
    return serial;
  }

  resize(capacityBytes: number): void {
    this.#generation += 1;
    this.#capacityBytes = capacityBytes;
    this.#evictTo(capacityBytes);
  }

  #evictTo(sizeBytes: number): void {
    while (this.#sizeBytes > sizeBytes && this.#count > 0) {
      const serial = this.#added - this.#count;
      const place = serial & (this.#ring.length - 1);
      const field = this.#ring[place]!;
      this.#ring[place] = undefined;
      this.#count -= 1;
      this.#sizeBytes -= fieldSizeBytes(field[0], field[1]);
      this.#onEvict?.(field, serial);
    }
  }

  #growRing(): void {
    const old = this.#ring;
    const ring = new Array<HeaderField | undefined>(old.length * 2).fill(
      undefined,
    );
    for (
      let serial = this.#added - this.#count;
      serial < this.#added;
      serial++
    ) {
      ring[serial & (ring.length - 1)] = old[serial & (old.length - 1)];
    }
    this.#ring = ring;
  }
}
