/**
 * A map from ids of 1 to 2^32 - 1 that come and go all the time, as the streams
 * of a connection do. `Map` moves to new storage every so many deletions, and
 * what the old storage held stays alive until the next full collection once the
 * storage itself is old; here it is one storage, cleared where an id goes.
 *
 * Open addressing with linear probing; ids in sequence do not collide. Deleting
 * moves later entries of a run back (Knuth, The Art of Computer Programming,
 * volume 3, section 6.4, algorithm R), so there are no tombstones.
 */
const CAPACITY_FIRST = 64;
const FREE = 0;

export class IdTable<T> {
  #ids = new Uint32Array(CAPACITY_FIRST);
  #values: (T | undefined)[] = new Array(CAPACITY_FIRST).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    return this.#values[this.#placeOf(id)];
  }

  set(id: number, value: T): void {
    const place = this.#placeOf(id);
    this.#values[place] = value;
    if (this.#ids[place] === id) return;
    this.#ids[place] = id;
    this.#size += 1;
    if (this.#size * 2 > this.#ids.length) this.#grow();
  }

  delete(id: number): void {
    const place = this.#placeOf(id);
    if (this.#ids[place] !== id) return;
    this.#size -= 1;
    this.#closeGap(place);
  }

  clear(): void {
    this.#ids.fill(FREE);
    this.#values.fill(undefined);
    this.#size = 0;
  }

  /** As they are now, in no order. */
  values(): T[] {
    return this.#values.filter((value) => value !== undefined);
  }

  /** Where the id is, or the free place where it would be. */
  #placeOf(id: number): number {
    const mask = this.#ids.length - 1;
    let place = this.#homeOf(id);
    while (this.#ids[place] !== id && this.#ids[place] !== FREE) {
      place = (place + 1) & mask;
    }
    return place;
  }

  /** A side of a connection has odd ids only. */
  #homeOf(id: number): number {
    return (id >>> 1) & (this.#ids.length - 1);
  }

  /** Frees a place, and moves back what would not be found behind it. */
  #closeGap(free: number): void {
    const mask = this.#ids.length - 1;
    let gap = free;
    for (let place = (gap + 1) & mask;; place = (place + 1) & mask) {
      const id = this.#ids[place] ?? FREE;
      if (id === FREE) break;
      const distance = (place - this.#homeOf(id)) & mask;
      if (distance < ((place - gap) & mask)) continue;
      this.#ids[gap] = id;
      this.#values[gap] = this.#values[place];
      gap = place;
    }
    this.#ids[gap] = FREE;
    this.#values[gap] = undefined;
  }

  #grow(): void {
    const [ids, values] = [this.#ids, this.#values];
    this.#ids = new Uint32Array(ids.length * 2);
    this.#values = new Array(ids.length * 2).fill(undefined);
    for (const [place, id] of ids.entries()) {
      if (id === FREE) continue;
      const moved = this.#placeOf(id);
      this.#ids[moved] = id;
      this.#values[moved] = values[place];
    }
  }
}
