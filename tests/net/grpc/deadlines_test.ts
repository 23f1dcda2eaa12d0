import assert from "node:assert/strict";
import fc from "fast-check";
import { DeadlineQueue } from "../../../net/grpc/deadlines.ts";
import { ManualTime } from "../../support/grpc_pair.ts";

Deno.test("add() fires each deadline once, never early, at most a tick late", () => {
  const delays = fc.array(
    fc.integer({ min: 0, max: 80_000 }).map((n) => n / 4),
    {
      minLength: 1,
      maxLength: 50,
    },
  );
  fc.assert(fc.property(delays, fc.nat(), (delaysMs, removed) => {
    const time = new ManualTime();
    const queue = new DeadlineQueue(time, time);
    const start = time.monotonicMs();
    const firedAt = new Map<number, number>();
    const deadlines = delaysMs.map((delayMs, at) =>
      queue.add(start + delayMs, () => {
        assert.ok(!firedAt.has(at), "fired twice");
        firedAt.set(at, time.monotonicMs() - start);
      })
    );
    const gone = removed % delaysMs.length;
    queue.remove(deadlines[gone]!);
    queue.remove(deadlines[gone]!);
    assert.equal(queue.count, delaysMs.length - 1);
    assert.ok(time.timerCount <= 1, "one timer for all");
    time.advance(21_000);
    delaysMs.forEach((delayMs, at) => {
      if (at === gone) return assert.equal(firedAt.get(at), undefined);
      const lateMs = (firedAt.get(at) ?? Infinity) - delayMs;
      assert.ok(lateMs >= 0 && lateMs <= 10, `${lateMs} ms late`);
    });
    assert.equal(queue.count, 0);
    assert.equal(time.timerCount, 0);
  }));
});

Deno.test("add() within a callback takes effect", () => {
  const time = new ManualTime();
  const queue = new DeadlineQueue(time, time);
  let fired = 0;
  queue.add(time.monotonicMs() + 50, () => {
    fired++;
    queue.add(time.monotonicMs() + 50, () => fired++);
  });
  time.advance(200);
  assert.equal(fired, 2);
});

Deno.test("close() leaves no timer", () => {
  const time = new ManualTime();
  const queue = new DeadlineQueue(time, time);
  queue.add(time.monotonicMs() + 50, () => assert.fail("fired after close"));
  queue.close();
  assert.equal(time.timerCount, 0);
  queue.add(time.monotonicMs() + 50, () => assert.fail("fired after close"));
  assert.equal(time.timerCount, 0);
});
