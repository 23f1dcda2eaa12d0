/** A Lamport clock: counts what is said, and never runs behind what is heard. */
export class LamportClock {
  #time = 1;

  get time(): number {
    return this.#time;
  }

  increment(): number {
    return ++this.#time;
  }

  /** Someone else's clock stood at `time`. */
  witness(time: number): void {
    if (time >= this.#time) this.#time = time + 1;
  }
}
