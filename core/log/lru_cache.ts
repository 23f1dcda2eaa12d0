/**
 * A bounded map that forgets what was used longest ago.
 */

export class LruCache<Key, Value> {
  readonly #countMax: number;
  readonly #release: (value: Value) => void;
  /** In the order of use: a Map iterates in the order of insertion. */
  readonly #values = new Map<Key, Value>();

  /** `release` is called with each value that leaves the cache. */
  constructor(countMax: number, release: (value: Value) => void = () => {}) {
    this.#countMax = countMax;
    this.#release = release;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: Key): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined) return undefined;
    this.#values.delete(key);
    this.#values.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    this.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#countMax) return;
    const oldest = this.#values.keys().next();
    if (!oldest.done) this.delete(oldest.value);
  }

  delete(key: Key): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#release(value);
  }

  clear(): void {
    for (const key of [...this.#values.keys()]) this.delete(key);
  }
}
