/** Writes that reach a follower, in a cluster of two nodes in memory. */
import assert from "node:assert/strict";
import { ProglogError } from "../../../core/errors.ts";
import { encodeRecords } from "../../../core/log/record.ts";
import type { GrpcClient } from "../../../net/grpc/client.ts";
import { Metadata } from "../../../net/grpc/metadata.ts";
import { STATUS, StatusError } from "../../../net/grpc/status.ts";
import {
  decodeProduceResponse,
  encodeProduceRequest,
} from "../../../net/rpc/messages.ts";
import { fromStatusError } from "../../../net/rpc/status.ts";
import { CLIENT, MemoryCluster, PEER } from "../../support/memory_cluster.ts";

const PRODUCE = "/log.v1.Log/Produce";
const PRODUCE_STREAM = "/log.v1.Log/ProduceStream";
function request(sequence = 0): Uint8Array {
  return encodeProduceRequest({
    log: "",
    records: encodeRecords([{ value: Uint8Array.of(1) }]),
    producerId: sequence === 0 ? 0n : 7n,
    sequence,
  });
}

async function produce(
  client: GrpcClient,
  message: Uint8Array,
  metadata = new Metadata(),
): Promise<number> {
  const answer = await client.unary(PRODUCE, message, { metadata });
  return decodeProduceResponse(answer).offset;
}

async function failure(promise: Promise<unknown>): Promise<StatusError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    return error;
  }
  return assert.fail("there was no failure");
}

const IDLE_CALL = {
  path: PRODUCE_STREAM,
  metadata: new Metadata(),
  trailers: new Metadata(),
  deadlineMs: undefined,
  signal: new AbortController().signal,
};

/** Time is instant here: what has not come after some turns never comes. */
async function within<T>(answer: Promise<T>, when: string): Promise<T> {
  let cancel: () => void = () => undefined;
  const turns = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer ${when}`)), 500);
    cancel = () => clearTimeout(timer);
  });
  try {
    return await Promise.race([answer, turns]);
  } finally {
    cancel();
  }
}

Deno.test("a write on a follower is done by the leader, for the caller's subject", async () => {
  const cluster = new MemoryCluster();
  const { client } = await cluster.node("b").dial(CLIENT);
  assert.equal(await produce(client, request()), 0);
  assert.equal(await produce(client, request()), 1);
  assert.deepEqual(cluster.appended.map(({ by }) => by), ["root", "root"]);
  assert.equal(cluster.node("a").dialCount, 1);
});

Deno.test("nobody but a peer may say for whom it calls", async () => {
  const cluster = new MemoryCluster();
  const { client } = await cluster.node("a").dial(CLIENT);
  const metadata = Metadata.of({ "proglog-on-behalf-of": "admin" });
  await produce(client, request(), metadata);
  assert.equal(cluster.appended[0]?.by, "root");
});

Deno.test("a subject that is not ASCII survives forwarding", async () => {
  const cluster = new MemoryCluster();
  const { client } = await cluster.node("b").dial({
    ...CLIENT,
    subject: "Žofie 100%",
  });
  await produce(client, request());
  assert.equal(cluster.appended[0]?.by, "Žofie 100%");
});

Deno.test("a forwarded write goes no further", async () => {
  const cluster = new MemoryCluster();
  const { client } = await cluster.node("b").dial(PEER);
  const metadata = Metadata.of({ "proglog-forwarded": "1" });
  const error = await failure(produce(client, request(), metadata));
  assert.equal(error.message, "b does not lead");
  assert.equal(cluster.node("a").dialCount, 0);
});

Deno.test("a write waits for the election and then goes to the new leader", async () => {
  const cluster = new MemoryCluster();
  cluster.leader = undefined;
  const { client } = await cluster.node("b").dial(CLIENT);
  const answer = produce(client, request());
  cluster.time.after(0, () => cluster.leader = "a");
  assert.equal(await answer, 0);
});

Deno.test("a write that the leader refused for having lost leadership is tried again", async () => {
  const cluster = new MemoryCluster();
  const a = cluster.node("a");
  a.beforeAppend = () => {
    cluster.leader = "b";
    throw new ProglogError("not_leader", "lost it");
  };
  const { client } = await cluster.node("b").dial(CLIENT);
  assert.equal(await produce(client, request()), 0);
  assert.deepEqual(cluster.appended.length, 1);
});

Deno.test("a leader that loses leadership forwards what it did not append", async () => {
  const cluster = new MemoryCluster();
  const a = cluster.node("a");
  a.beforeAppend = () => {
    cluster.leader = "b";
    throw new ProglogError("not_leader", "lost it");
  };
  const { client } = await a.dial(CLIENT);
  assert.equal(await produce(client, request()), 0);
});

Deno.test("a write that nobody can take ends at its deadline", async () => {
  const cluster = new MemoryCluster();
  cluster.node("a").isReachable = false;
  const { client } = await cluster.node("b").dial(CLIENT);
  const error = await failure(produce(client, request()));
  assert.equal(error.code, STATUS.UNAVAILABLE);
  assert.equal(cluster.appended.length, 0);
});

Deno.test("a write on a node that knows no leader is refused for certain after a second", async () => {
  for (const sequence of [0, 1]) {
    const cluster = new MemoryCluster();
    cluster.node("b").isCutOff = true;
    const { client } = await cluster.node("b").dial(CLIENT);
    const fromMs = cluster.time.monotonicMs();
    const error = fromStatusError(
      await failure(produce(client, request(sequence))),
    );
    assert.equal(error.code, "not_leader");
    assert.equal(error.details["outcome"], "not_appended");
    const tookMs = cluster.time.monotonicMs() - fromMs;
    assert.ok(tookMs >= 1_000 && tookMs < 1_100, `it took ${tookMs} ms`);
  }
});

Deno.test("a write that may have been appended waits on, and is not said to be refused", async () => {
  const cluster = new MemoryCluster();
  const a = cluster.node("a");
  a.afterAppend = () => {
    cluster.leader = undefined;
    a.cut();
  };
  const { client } = await cluster.node("b").dial(CLIENT);
  const fromMs = cluster.time.monotonicMs();
  const error = fromStatusError(await failure(produce(client, request(1))));
  assert.equal(error.code, "unavailable");
  assert.equal(error.details["outcome"], "unknown");
  assert.ok(cluster.time.monotonicMs() - fromMs > 9_000);
});

Deno.test("what the leader answers is the answer", async () => {
  const cluster = new MemoryCluster();
  cluster.node("a").beforeAppend = () => {
    throw new ProglogError("overloaded", "too much");
  };
  const { client } = await cluster.node("b").dial(CLIENT);
  const error = await failure(produce(client, request()));
  assert.equal(error.code, STATUS.RESOURCE_EXHAUSTED);
  assert.equal(error.message, "too much");
});

Deno.test("a write whose outcome is unknown is repeated only under an idempotency key", async () => {
  for (const sequence of [0, 1]) {
    const cluster = new MemoryCluster();
    const a = cluster.node("a");
    a.afterAppend = () => {
      a.afterAppend = () => undefined;
      a.cut();
    };
    const { client } = await cluster.node("b").dial(CLIENT);
    const answer = produce(client, request(sequence));
    if (sequence === 1) assert.equal(await answer, 0);
    else {
      const error = await failure(answer);
      assert.equal(error.code, STATUS.UNAVAILABLE);
      assert.match(error.message, /^Nobody knows whether it was done/);
    }
    assert.equal(cluster.appended.length, 1);
  }
});

async function streamed(
  client: GrpcClient,
  messages: readonly Uint8Array[],
): Promise<number[]> {
  const call = client.bidi(PRODUCE_STREAM);
  for (const message of messages) call.requests.send(message);
  call.requests.end();
  const offsets: number[] = [];
  for await (const answer of call.responses) {
    offsets.push(decodeProduceResponse(answer).offset);
  }
  return offsets;
}

const TEN = Array.from({ length: 10 }, (_, n) => n + 1);

Deno.test("a stream on a follower is one stream to the leader, answered in order", async () => {
  const cluster = new MemoryCluster();
  const { client } = await cluster.node("b").dial(CLIENT);
  const offsets = await streamed(client, TEN.map(() => request()));
  assert.deepEqual(offsets, TEN.map((n) => n - 1));
  assert.equal(cluster.node("a").dialCount, 1);
  assert.deepEqual(
    new Set(cluster.appended.map(({ by }) => by)),
    new Set(["root"]),
  );
});

for (const [from, to] of [["b", "a"], ["a", "b"]] as const) {
  Deno.test(`a stream on node ${from} follows the leader to ${to}, and nothing is doubled`, async () => {
    const cluster = new MemoryCluster();
    cluster.leader = from === "a" ? "a" : "b";
    const old = cluster.node(cluster.leader);
    const { client } = await cluster.node("b").dial(CLIENT);
    old.afterAppend = () => {
      if (cluster.appended.length < 4) return;
      old.afterAppend = () => undefined;
      cluster.leader = to;
      throw new ProglogError("unavailable", "lost it", {
        details: { outcome: "unknown" },
      });
    };
    const offsets = await streamed(client, TEN.map((n) => request(n)));
    assert.deepEqual(offsets, TEN.map((n) => n - 1));
    assert.deepEqual(
      cluster.appended.map(({ key }) => key),
      TEN.map((n) => `7/${n}`),
    );
  });
}

Deno.test("a stream goes on over a connection to the leader that broke", async () => {
  const cluster = new MemoryCluster();
  const a = cluster.node("a");
  a.afterAppend = () => {
    if (cluster.appended.length === 5) a.cut();
  };
  const { client } = await cluster.node("b").dial(CLIENT);
  const offsets = await streamed(client, TEN.map((n) => request(n)));
  assert.deepEqual(offsets, TEN.map((n) => n - 1));
  assert.equal(cluster.appended.length, 10);
});

Deno.test("a message is answered however soon it comes after the way to the leader broke", async () => {
  for (let pause = 0; pause < 60; pause++) {
    const cluster = new MemoryCluster();
    const { forwarder } = cluster.node("b").backend;
    assert.ok(forwarder !== undefined);
    const call = { ...IDLE_CALL, peer: CLIENT };
    const stream = forwarder.stream({ path: PRODUCE_STREAM, call });
    const work = (sequence: number) =>
      stream.send("", {
        message: request(sequence),
        isRepeatable: "yes",
        doHere: () => assert.fail("b does not lead"),
      });
    await work(1);
    cluster.node("a").cut();
    for (let n = 0; n < pause; n++) await Promise.resolve();
    const answer = decodeProduceResponse(
      await within(work(2), `after ${pause} turns`),
    );
    assert.equal(answer.offset, 1);
    stream.close();
  }
});

Deno.test("a stream without keys ends with an unknown outcome when the way breaks", async () => {
  const cluster = new MemoryCluster();
  const a = cluster.node("a");
  a.afterAppend = () => {
    if (cluster.appended.length === 5) a.cut();
  };
  const { client } = await cluster.node("b").dial(CLIENT);
  const error = await failure(streamed(client, TEN.map(() => request())));
  assert.equal(error.code, STATUS.UNAVAILABLE);
  assert.match(error.message, /^Nobody knows/);
});

Deno.test("leaderChanged() gives up calls to a former leader that hangs", async () => {
  const cluster = new MemoryCluster();
  const a = cluster.node("a");
  const appended = Promise.withResolvers<void>();
  a.afterAppend = () => {
    appended.resolve();
    return new Promise(() => undefined);
  };
  const b = cluster.node("b");
  const { client } = await b.dial(CLIENT);
  const answer = produce(client, request(1));
  await appended.promise;
  cluster.leader = "b";
  b.backend.forwarder?.leaderChanged(["default"]);
  assert.equal(await answer, 0);
  assert.equal(cluster.appended.length, 1);
});
