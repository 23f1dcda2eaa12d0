/**
 * Deadlines of many calls under one timer: a wheel of linked lists, so that a
 * call costs two pointer writes and no timer of its own. Deadlines fire up to
 * one tick late, never early.
 */
import type { Clock, Scheduler } from "../../core/env.ts";

const TICK_MS = 10;
/** Longer deadlines stay in their slot for more than one turn of the wheel. */
const SLOT_COUNT = 512;

export interface Deadline {
  tick: number;
  onPassed: () => void;
  previous: Deadline | undefined;
  next: Deadline | undefined;
  slot: number;
}

export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #slots: (Deadline | undefined)[] = new Array(SLOT_COUNT);
  #count = 0;
  #armedTick = Infinity;
  #disarm: () => void = () => undefined;

  constructor(clock: Clock, scheduler: Scheduler) {
    this.#clock = clock;
    this.#scheduler = scheduler;
  }

  get count(): number {
    return this.#count;
  }

  /** `deadlineMs` is monotonic. */
  add(deadlineMs: number, onPassed: () => void): Deadline {
    const tick = Math.ceil(deadlineMs / TICK_MS);
    const slot = ((tick % SLOT_COUNT) + SLOT_COUNT) % SLOT_COUNT;
    const next = this.#slots[slot];
    const deadline = { tick, onPassed, previous: undefined, next, slot };
    if (next !== undefined) next.previous = deadline;
    this.#slots[slot] = deadline;
    this.#count++;
    if (tick < this.#armedTick) this.#arm(tick);
    return deadline;
  }

  /** No effect on a deadline that has passed or was removed. */
  remove(deadline: Deadline): void {
    if (deadline.slot < 0) return;
    const { previous, next } = deadline;
    if (previous === undefined) this.#slots[deadline.slot] = next;
    else previous.next = next;
    if (next !== undefined) next.previous = previous;
    deadline.slot = -1;
    // V8 may keep it for long: it must not keep calls with it.
    deadline.previous = undefined;
    deadline.next = undefined;
    deadline.onPassed = doNothing;
    this.#count--;
  }

  /** Stops the timer; nothing fires any more. */
  close(): void {
    this.#disarm();
    this.#armedTick = -Infinity;
  }

  #arm(tick: number): void {
    this.#disarm();
    this.#armedTick = tick;
    const delayMs = Math.max(0, tick * TICK_MS - this.#clock.monotonicMs());
    this.#disarm = this.#scheduler.after(delayMs, () => this.#fire());
  }

  #fire(): void {
    const nowTick = Math.floor(this.#clock.monotonicMs() / TICK_MS);
    const passed = this.#takePassed(nowTick);
    this.#armedTick = Infinity;
    if (this.#count > 0) this.#arm(this.#nextTick(nowTick));
    for (const onPassed of passed) onPassed();
  }

  #takePassed(nowTick: number): (() => void)[] {
    const passed: (() => void)[] = [];
    const first = Math.max(this.#armedTick, nowTick - SLOT_COUNT + 1);
    for (let tick = first; tick <= nowTick; tick++) {
      let deadline = this.#slots[tick % SLOT_COUNT];
      while (deadline !== undefined) {
        const following: Deadline | undefined = deadline.next;
        if (deadline.tick <= nowTick) {
          passed.push(deadline.onPassed);
          this.remove(deadline);
        }
        deadline = following;
      }
    }
    return passed;
  }

  /** The first tick after `nowTick` whose slot holds anything. */
  #nextTick(nowTick: number): number {
    let tick = nowTick + 1;
    while (this.#slots[tick % SLOT_COUNT] === undefined) tick++;
    return tick;
  }
}

function doNothing(): void {}
