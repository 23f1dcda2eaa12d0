/** Reads at a follower that lacks the newest records, at the level "local". */
import assert from "node:assert/strict";
import { ProglogError } from "../../../core/errors.ts";
import { encodeRecords } from "../../../core/log/record.ts";
import { STATUS, StatusError } from "../../../net/grpc/status.ts";
import {
  decodeConsumeBatch,
  encodeConsumeRequest,
  encodeProduceRequest,
} from "../../../net/rpc/messages.ts";
import { CLIENT, MemoryCluster } from "../../support/memory_cluster.ts";

/** Three records, of which node b has the first one until its barrier has passed. */
async function laggingFollower() {
  const cluster = new MemoryCluster();
  const { client } = await cluster.node("b").dial(CLIENT);
  for (let n = 0; n < 3; n++) {
    await client.unary(
      "/log.v1.Log/Produce",
      encodeProduceRequest({
        log: "",
        records: encodeRecords([{ value: Uint8Array.of(n) }]),
        producerId: 0n,
        sequence: 0,
      }),
    );
  }
  const b = cluster.node("b");
  let barrierCount = 0;
  b.lagsAt = 1;
  b.readBarrier = () => {
    barrierCount += 1;
    b.lagsAt = Infinity;
    return Promise.resolve();
  };
  return { b, client, barrierCount: () => barrierCount };
}

function consumeFrom(offset: number): Uint8Array {
  return encodeConsumeRequest({
    offset,
    log: "",
    batchBytesMax: 1_000,
    stopsAtEnd: true,
    start: "offset",
    consistency: "local",
  });
}

async function codeOf(answer: Promise<unknown>): Promise<number> {
  try {
    await answer;
    return STATUS.OK;
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return error.code;
  }
}

Deno.test("Consume on a lagging follower waits for a record that the leader has", async () => {
  const { client, barrierCount } = await laggingFollower();
  const path = "/log.v1.Log/Consume";
  const there = await client.unary(path, consumeFrom(0));
  assert.equal(decodeConsumeBatch(there).baseOffset, 0);
  assert.equal(barrierCount(), 0);
  const lacking = await client.unary(path, consumeFrom(2));
  assert.equal(decodeConsumeBatch(lacking).baseOffset, 2);
  assert.equal(await codeOf(client.unary(path, consumeFrom(3))), 11);
});

Deno.test("ConsumeStream on a lagging follower goes on where another server was left", async () => {
  const { client } = await laggingFollower();
  const path = "/log.v1.Log/ConsumeStream";
  const messages = await Array.fromAsync(
    client.serverStream(path, consumeFrom(2)),
  );
  assert.deepEqual(
    messages.map((message) => decodeConsumeBatch(message).baseOffset),
    [2],
  );
  const beyond = Array.fromAsync(client.serverStream(path, consumeFrom(4)));
  assert.equal(await codeOf(beyond), STATUS.OUT_OF_RANGE);
});

Deno.test("a follower without a leader does not say that a record is not there", async () => {
  const { b, client } = await laggingFollower();
  b.readBarrier = () =>
    Promise.reject(new ProglogError("unavailable", "no leader answers"));
  const consume = client.unary("/log.v1.Log/Consume", consumeFrom(2));
  assert.equal(await codeOf(consume), STATUS.UNAVAILABLE);
});
