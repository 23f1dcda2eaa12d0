/** Joining goes on until someone answers, says so, and can be given up. */
import assert from "node:assert/strict";
import {
  type JoinRequest,
  joinUntilAnswered,
} from "../../../net/runtime/gossip_join.ts";
import { EventHeap } from "../../sim/swim/event_heap.ts";

/** Virtual time that moves on whenever everything waits. */
class VirtualTime {
  nowMs = 0;
  readonly #heap = new EventHeap();

  readonly scheduler = {
    after: (delayMs: number, run: () => void) =>
      this.#heap.push(this.nowMs + delayMs, run),
  };

  async until<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = promise.finally(() => isDone = true);
    while (!isDone) {
      // Some turns of the microtask queue, then the next timer.
      for (let turn = 0; turn < 50; turn++) await null;
      const next = isDone ? undefined : this.#heap.popUntil(Infinity);
      if (next === undefined) continue;
      this.nowMs = next.atMs;
      next.run();
    }
    return await done;
  }
}

function request(
  time: VirtualTime,
  attempt: JoinRequest["attempt"],
  more: Partial<JoinRequest> = {},
): { request: JoinRequest; notices: string[] } {
  const notices: string[] = [];
  return {
    notices,
    request: {
      seeds: ["10.0.0.1:1", "dns:nowhere"],
      defaultPort: 8401,
      environment: {
        scheduler: time.scheduler,
        random: { nextU32: () => 0xffff_ffff },
        resolver: {
          addresses: (host) =>
            host === "nowhere"
              ? Promise.reject(new Error("no such host"))
              : Promise.resolve([host]),
          services: () => Promise.resolve([]),
        },
      },
      stopped: new AbortController().signal,
      attempt,
      notice: (text) => notices.push(text),
      ...more,
    },
  };
}

Deno.test("joinUntilAnswered() tries again, less and less often, and says so", async () => {
  const time = new VirtualTime();
  const attemptsAtMs: number[] = [];
  const join = request(time, () => {
    attemptsAtMs.push(Math.round(time.nowMs / 1000));
    const failure = attemptsAtMs.length < 8 ? "refused" : undefined;
    return Promise.resolve(failure);
  });
  const outcome = await time.until(joinUntilAnswered(join.request));
  const answered = [{ host: "10.0.0.1", port: 1 }];
  assert.deepEqual(outcome, { ok: true, answered });
  assert.deepEqual(attemptsAtMs, [0, 1, 3, 7, 15, 31, 61, 91]);
  assert.equal(join.notices.length, 7);
  assert.equal(
    join.notices[1],
    "Cannot join yet (dns:nowhere: no such host; 10.0.0.1:1: refused), trying again in 2 s",
  );
});

Deno.test("joinUntilAnswered() gives up when its time is over", async () => {
  const time = new VirtualTime();
  const join = request(time, () => Promise.resolve("refused"), {
    timeoutMs: 10_000,
  });
  const outcome = await time.until(joinUntilAnswered(join.request));
  assert.deepEqual(outcome, { ok: false, reason: "timed_out" });
  assert.equal(time.nowMs, 10_000);
});

Deno.test("joinUntilAnswered() ends at a stop, in the middle of an attempt too", async () => {
  const time = new VirtualTime();
  const stop = new AbortController();
  const join = request(time, () => new Promise(() => {}), {
    stopped: stop.signal,
  });
  time.scheduler.after(500, () => stop.abort());
  const outcome = await time.until(joinUntilAnswered(join.request));
  assert.deepEqual(outcome, { ok: false, reason: "stopped" });
});
