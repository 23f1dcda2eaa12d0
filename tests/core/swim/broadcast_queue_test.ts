/** The queue sends the right messages, the right number of times. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BroadcastQueue,
  transmissionsMax,
} from "../../../core/swim/broadcast_queue.ts";

const BUDGET = { overheadBytes: 2, limitBytes: 100, countMax: 10 };

Deno.test("transmissionsMax() is the multiplier times the rounded logarithm", () => {
  assert.equal(transmissionsMax(4, 1), 4);
  assert.equal(transmissionsMax(4, 9), 4);
  assert.equal(transmissionsMax(4, 10), 8);
  assert.equal(transmissionsMax(4, 100), 12);
});

Deno.test("take() sends each message as often as the cluster needs", () => {
  const queue = new BroadcastQueue(4);
  queue.push("a", Uint8Array.of(1));
  for (let sent = 0; sent < 4; sent++) {
    assert.equal(queue.take(BUDGET, 5).length, 1);
  }
  assert.equal(queue.size, 0);
  assert.deepEqual(queue.take(BUDGET, 5), []);
});

Deno.test("take() prefers what was sent least, then the longest, then the newest", () => {
  const queue = new BroadcastQueue(4);
  queue.push("old", Uint8Array.of(1, 1));
  queue.take(BUDGET, 5);
  queue.push("short", Uint8Array.of(2));
  queue.push("long", Uint8Array.of(3, 3, 3));
  queue.push("newer", Uint8Array.of(4));
  const order = queue.take(BUDGET, 5).map((bytes) => bytes[0]);
  assert.deepEqual(order, [3, 4, 2, 1]);
});

Deno.test("push() replaces the message of the same key", () => {
  const queue = new BroadcastQueue(4);
  queue.push("a", Uint8Array.of(1));
  queue.push("a", Uint8Array.of(2));
  assert.deepEqual(queue.take(BUDGET, 5), [Uint8Array.of(2)]);
});

Deno.test("take() never goes over its budget and loses nothing", () => {
  const pushes = fc.array(
    fc.record({ key: fc.nat(30), length: fc.integer({ min: 1, max: 120 }) }),
    { maxLength: 60 },
  );
  fc.assert(fc.property(pushes, (pushes) => {
    const queue = new BroadcastQueue(2);
    const expected = new Map<string, number>();
    for (const { key, length } of pushes) {
      queue.push(`${key}`, new Uint8Array(length).fill(key));
      if (length <= 98) expected.set(`${key}`, 2);
      else expected.delete(`${key}`);
    }
    for (let round = 0; round < 200; round++) {
      const taken = queue.take(BUDGET, 5);
      const bytes = taken.reduce((n, part) => n + part.length + 2, 0);
      assert.ok(bytes <= 100, `${bytes} bytes`);
      for (const part of taken) {
        const key = `${part[0]}`;
        expected.set(key, (expected.get(key) ?? 0) - 1);
      }
    }
    assert.ok([...expected.values()].every((left) => left === 0));
  }));
});
