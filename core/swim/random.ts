/** Choices from the injected source of chance. */
import type { Random } from "../env.ts";

/** A whole number from 0 to `count` - 1. */
export function randomBelow(random: Random, count: number): number {
  return Math.floor(random.nextU32() / 0x1_0000_0000 * count);
}

/** Puts `items` in a random order, in place (Fisher and Yates). */
export function shuffle<T>(random: Random, items: T[]): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = randomBelow(random, i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
}

/**
 * Up to `count` different items for which `accepts` holds. It tries three
 * draws for each item wanted and then is content with what it has, so that it
 * costs the same in a table of thousands.
 */
export function pickSome<T>(
  random: Random,
  items: readonly T[],
  options: { count: number; accepts: (item: T) => boolean },
): T[] {
  const picked: T[] = [];
  // A short list is looked through as a whole: no draw is wasted on it.
  if (items.length <= 3 * options.count) {
    const order = [...items];
    shuffle(random, order);
    return order.filter(options.accepts).slice(0, options.count);
  }
  const draws = Math.max(3 * options.count, 12);
  for (let i = 0; i < draws && picked.length < options.count; i++) {
    const item = items[randomBelow(random, items.length)]!;
    if (!picked.includes(item) && options.accepts(item)) picked.push(item);
  }
  return picked;
}
