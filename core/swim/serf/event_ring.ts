/**
 * Finds out whether an event was seen before: a ring of the last 512 Lamport
 * times, each with the keys that came under it. What is older is old.
 */
import { EVENT_RING_SLOT_MESSAGES_MAX, EVENT_RING_SLOTS } from "../limits.ts";

export class EventRing {
  readonly #slots: { time: number; keys: Set<string> }[] = [];

  /**
   * Whether `key` is new under `time`, with the clock at `nowTime`; it is
   * remembered if so. A slot that is full takes nothing more.
   */
  isNew(key: string, time: number, nowTime: number): boolean {
    if (time + EVENT_RING_SLOTS < nowTime) return false;
    const index = time % EVENT_RING_SLOTS;
    const slot = this.#slots[index];
    if (slot === undefined || slot.time < time) {
      this.#slots[index] = { time, keys: new Set([key]) };
      return true;
    }
    if (slot.time > time || slot.keys.has(key)) return false;
    if (slot.keys.size >= EVENT_RING_SLOT_MESSAGES_MAX) return false;
    slot.keys.add(key);
    return true;
  }
}
