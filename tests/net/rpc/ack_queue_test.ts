import assert from "node:assert/strict";
import { AckQueue } from "../../../net/rpc/ack_queue.ts";

Deno.test("room() waits for acknowledgements of tiny requests, too", async () => {
  const queue = new AckQueue<number>({
    bytesMax: 10_000,
    send: () => true,
    drained: () => Promise.resolve(),
  });
  const answer = Promise.withResolvers<number>();
  for (let n = 0; n < 100; n++) queue.add(answer.promise, 2);
  let hasRoom = false;
  const room = queue.room().then(() => {
    hasRoom = true;
  });
  for (let n = 0; n < 10; n++) await Promise.resolve();
  assert.equal(hasRoom, false);
  answer.resolve(1);
  await room;
});
