/**
 * The bounded map.
 */

import assert from "node:assert/strict";
import { LruCache } from "../../../core/log/lru_cache.ts";

Deno.test("LruCache forgets what was used longest ago and releases it once", () => {
  const released: string[] = [];
  const cache = new LruCache<number, string>(
    2,
    (value) => released.push(value),
  );
  cache.set(1, "a");
  cache.set(2, "b");
  cache.get(1);
  cache.set(3, "c");
  assert.deepEqual(released, ["b"]);
  assert.deepEqual([cache.get(1), cache.get(2), cache.get(3)], [
    "a",
    undefined,
    "c",
  ]);
  cache.set(1, "d");
  cache.delete(9);
  cache.clear();
  assert.deepEqual(released, ["b", "a", "c", "d"]);
  assert.equal(cache.size, 0);
});
