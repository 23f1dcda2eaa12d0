/**
 * What counts as durable when syncs end late, in bulk, or after the entries they
 * wrote were replaced.
 */
import assert from "node:assert/strict";
import { logIndex } from "../../../core/ids.ts";
import { Durability } from "../../../core/raft/durability.ts";

function write(number: number, lastIndex: number, hasHardState = false) {
  return { number, lastIndex: logIndex(lastIndex), sinceMs: 0, hasHardState };
}

Deno.test("persisted() makes all writes up to its number durable at once", () => {
  const durability = new Durability(logIndex(3));
  durability.wrote(write(1, 4));
  durability.wrote(write(2, 6));
  durability.wrote(write(3, 9));
  durability.persisted(2);
  assert.equal(durability.durableIndex, 6);
  durability.persisted(1);
  assert.equal(durability.durableIndex, 6);
});

Deno.test("truncatedFrom() takes back the claim of a write that is under way", () => {
  const durability = new Durability(logIndex(3));
  durability.wrote(write(1, 5));
  // Entry 5 is replaced twice, at last by what looks like the first again.
  durability.truncatedFrom(logIndex(5));
  durability.wrote(write(2, 5));
  durability.truncatedFrom(logIndex(5));
  durability.wrote(write(3, 5));
  durability.persisted(1);
  assert.equal(durability.durableIndex, 4);
  durability.persisted(2);
  assert.equal(durability.durableIndex, 4);
  durability.persisted(3);
  assert.equal(durability.durableIndex, 5);
});

Deno.test("isHardStateDurable waits for the last hard state, not for entries", () => {
  const durability = new Durability(logIndex(0));
  durability.wrote(write(1, 0, true));
  durability.wrote(write(2, 1));
  assert.equal(durability.isHardStateDurable, false);
  durability.persisted(1);
  assert.equal(durability.isHardStateDurable, true);
  assert.equal(durability.waitingSinceMs, 0);
  durability.persisted(2);
  assert.equal(durability.waitingSinceMs, undefined);
});
