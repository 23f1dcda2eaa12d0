/**
 * The real clocks, timers and chance.
 */

import assert from "node:assert/strict";
import { createClock, createScheduler } from "../../../net/os/clock.ts";
import { createRandom } from "../../../net/os/random.ts";

Deno.test("Clock.monotonicMs() never goes back and wallMs() is of this century", () => {
  const clock = createClock();
  const first = clock.monotonicMs();
  assert.ok(clock.monotonicMs() >= first);
  assert.ok(clock.wallMs() > Date.UTC(2020));
});

Deno.test("Scheduler.after() runs once, not at once, and not when cancelled", async () => {
  const scheduler = createScheduler();
  const ran: string[] = [];
  const cancel = scheduler.after(0, () => ran.push("cancelled"));
  cancel();
  const done = new Promise<void>((resolve) => {
    scheduler.after(0, () => {
      ran.push("kept");
      resolve();
    });
  });
  assert.deepEqual(ran, []);
  await done;
  assert.deepEqual(ran, ["kept"]);
});

Deno.test("Random.nextU32() fills 32 bits and does not repeat itself", () => {
  const random = createRandom();
  const drawn = Array.from({ length: 1_000 }, () => random.nextU32());
  assert.ok(drawn.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 32));
  assert.ok(new Set(drawn).size > 990);
  assert.ok(drawn.some((n) => n >= 2 ** 31));
});
