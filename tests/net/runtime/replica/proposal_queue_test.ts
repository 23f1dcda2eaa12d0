import assert from "node:assert/strict";
import { ProducerTable } from "../../../../core/cluster/producer_table.ts";
import { ProglogError } from "../../../../core/errors.ts";
import {
  PENDING_BYTES_MAX,
  REQUEST_OVERHEAD_BYTES,
} from "../../../../core/limits.ts";
import { EntryWaiters } from "../../../../net/runtime/replica/entry_waiters.ts";
import { Producers } from "../../../../net/runtime/replica/producers.ts";
import { ProposalQueue } from "../../../../net/runtime/replica/proposal_queue.ts";

Deno.test("refusal() bounds the requests that wait, however small they are", async () => {
  const queue = new ProposalQueue({
    producers: new Producers(new ProducerTable()),
    waiters: new EntryWaiters(),
  });
  const tiny = { records: new Uint8Array(2), count: 1 };
  const answers: Promise<unknown>[] = [];
  while (queue.refusal(tiny) === undefined) answers.push(queue.add(tiny));
  assert.equal(queue.refusal(tiny)?.code, "overloaded");
  assert.ok(answers.length <= PENDING_BYTES_MAX / REQUEST_OVERHEAD_BYTES);
  const settled = Promise.allSettled(answers);
  queue.refuseAll(new ProglogError("unavailable", "over"));
  await settled;
  assert.equal(queue.refusal(tiny), undefined);
});
