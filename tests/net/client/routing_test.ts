/** The client against a cluster in memory: who gets which call, and what breaks. */
import assert from "node:assert/strict";
import { ProglogError } from "../../../core/errors.ts";
import { RecordCursor } from "../../../core/log/record_walk.ts";
import {
  type ConsumeRange,
  ProglogClient,
} from "../../../net/client/client.ts";
import { RecordBuilder } from "../../../net/client/record_builder.ts";
import { CLIENT, MemoryCluster } from "../../support/memory_cluster.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const ABC = ["a", "b", "c"];

async function withCluster(
  run: (cluster: MemoryCluster, client: ProglogClient) => Promise<void>,
  { names = ABC, seeds = ["b"], dialMs = 0 } = {},
): Promise<void> {
  const cluster = new MemoryCluster(names);
  const client = new ProglogClient({
    addresses: seeds,
    dial: async (address) => {
      if (dialMs > 0) await sleep(cluster, dialMs);
      const node = cluster.nodes.get(address);
      if (node !== undefined) return node.dial(CLIENT);
      throw new ProglogError("unavailable", "no such host");
    },
    clock: cluster.time,
    scheduler: cluster.time,
    random: seededRandom(1),
    timeoutMs: 10_000,
  });
  try {
    await run(cluster, client);
  } finally {
    await client.close();
  }
}

function sleep({ time }: MemoryCluster, ms: number): Promise<void> {
  return new Promise((done) => time.after(ms, done));
}

function record(text: string) {
  const builder = new RecordBuilder();
  builder.add({ value: new TextEncoder().encode(text) });
  return builder.take();
}

async function consume(
  client: ProglogClient,
  range: ConsumeRange,
): Promise<string[]> {
  const values: string[] = [];
  for await (const batch of client.consume(range)) {
    const cursor = new RecordCursor(batch.records);
    while (cursor.next()) {
      const value = cursor.bytes.subarray(cursor.valueStart, cursor.valueEnd);
      values.push(new TextDecoder().decode(value));
    }
  }
  return values;
}

const TEN = Array.from({ length: 10 }, (_, n) => `r${n}`);

async function fill(cluster: MemoryCluster): Promise<void> {
  for (const value of TEN) {
    await cluster.node("a").backend.log("default")?.propose(record(value));
  }
}

function countOf(cluster: MemoryCluster, method: string): string[] {
  return [...cluster.nodes.values()].map(({ name, calls }) =>
    `${name} ${calls.filter((path) => path.endsWith(`/${method}`)).length}`
  );
}

Deno.test("produce() goes to the leader, whichever server was named", async () => {
  await withCluster(async (cluster, client) => {
    assert.deepEqual(await client.produce(record("x")), {
      offset: 0,
      count: 1,
    });
    assert.deepEqual(await client.produce(record("y")), {
      offset: 1,
      count: 1,
    });
    assert.deepEqual(countOf(cluster, "Produce"), ["a 2", "b 0", "c 0"]);
  });
});

Deno.test("consume() goes round the followers", async () => {
  await withCluster(async (cluster, client) => {
    await fill(cluster);
    for (let n = 0; n < 4; n++) {
      assert.deepEqual(await consume(client, { start: "earliest" }), TEN);
    }
    assert.deepEqual(countOf(cluster, "ConsumeStream"), ["a 0", "b 2", "c 2"]);
  });
});

Deno.test("consume() at consistency leader goes to the leader", async () => {
  await withCluster(async (cluster, client) => {
    await fill(cluster);
    await consume(client, { start: "earliest", consistency: "leader" });
    assert.deepEqual(countOf(cluster, "ConsumeStream"), ["a 1", "b 0", "c 0"]);
  });
});

Deno.test("one server, known to itself by another name, has one connection", async () => {
  const options = { names: ["a"], seeds: ["a"] };
  await withCluster(async (cluster, client) => {
    const node = cluster.node("a");
    Object.assign(node.backend, {
      servers: () => [{ id: "a", rpcAddress: "unheard-of:1", isLeader: true }],
    });
    await client.produce(record("x"));
    assert.deepEqual(await consume(client, { start: "earliest" }), ["x"]);
    assert.equal(node.dialCount, 1);
  }, options);
});

Deno.test("produce() goes through another server when the leader is out of reach", async () => {
  await withCluster(async (cluster, client) => {
    const { dial } = cluster.node("a");
    // Other nodes reach it, this client does not.
    cluster.node("a").dial = (peer) =>
      peer.role === "peer"
        ? dial.call(cluster.node("a"), peer)
        : Promise.reject(new ProglogError("unavailable", "filtered"));
    assert.equal((await client.produce(record("x"))).offset, 0);
    assert.equal(cluster.appended[0]?.by, "root");
  });
});

Deno.test("a client without any server in reach says so at once", async () => {
  await withCluster(async (cluster, client) => {
    for (const node of cluster.nodes.values()) node.isReachable = false;
    await assert.rejects(client.servers(), { message: "refused" });
    assert.deepEqual(cluster.time.waitedMs, []);
  });
});

Deno.test("servers() and status() answer for the server that was named", async () => {
  await withCluster(async (cluster, client) => {
    assert.deepEqual((await client.servers()).map(({ id }) => id), ABC);
    assert.equal((await client.status()).nodeName, "b");
    assert.deepEqual(countOf(cluster, "GetStatus"), ["a 0", "b 1", "c 0"]);
  });
});

Deno.test("a Producer follows the leader, and no record is lost or doubled", async () => {
  await withCluster(async (cluster, client) => {
    const producer = client.producer();
    cluster.node("a").afterAppend = () => {
      if (cluster.appended.length !== 4) return;
      cluster.leader = "c";
      cluster.node("a").kill();
    };
    const answers = TEN.map((value) => producer.send(record(value)));
    const offsets = (await Promise.all(answers)).map(({ offset }) => offset);
    assert.deepEqual(offsets, TEN.map((_, n) => n));
    assert.equal(cluster.appended.length, 10);
    await producer.close();
  });
});

Deno.test("a Producer waits while nobody leads", async () => {
  await withCluster(async (cluster, client) => {
    cluster.leader = undefined;
    const producer = client.producer();
    const answer = producer.send(record("x"));
    cluster.time.after(0, () => cluster.leader = "c");
    assert.equal((await answer).offset, 0);
    await producer.close();
  });
});

Deno.test("a Producer on a server that passes writes on moves to the leader", async () => {
  await withCluster(async (cluster, client) => {
    const producer = client.producer();
    await producer.send(record("one"));
    cluster.leader = "c";
    await producer.send(record("two"));
    // The list is read again while calls run, without a failure.
    while (!cluster.node("c").calls.includes("/log.v1.Log/ProduceStream")) {
      await producer.send(record("more"));
    }
    const { calls } = cluster.node("c");
    const before = calls.length;
    await producer.send(record("three"));
    assert.equal(calls.length, before);
    await producer.close();
  });
});

Deno.test("a Producer that was idle for long survives a broken connection", async () => {
  await withCluster(async (cluster, client) => {
    const producer = client.producer();
    await producer.send(record("one"));
    await sleep(cluster, 600_000);
    cluster.node("a").cut();
    assert.equal((await producer.send(record("two"))).offset, 1);
    await producer.close();
  });
});

Deno.test("a Producer that gives up while it dials ends, and opens no call any more", async () => {
  await withCluster(async (cluster, client) => {
    const producer = client.producer();
    await assert.rejects(
      producer.send(record("late")),
      { code: "deadline_exceeded" },
    );
    await assert.rejects(producer.close(), { code: "deadline_exceeded" });
    assert.deepEqual(countOf(cluster, "ProduceStream"), ["a 0", "b 0", "c 0"]);
  }, { dialMs: 20_000 });
});

Deno.test("consume() goes on at its next offset on another server", async () => {
  await withCluster(async (cluster, client) => {
    await fill(cluster);
    const b = cluster.node("b");
    let reads = 0;
    b.beforeRead = () => {
      if (++reads === 5) b.kill();
    };
    assert.deepEqual(await consume(client, { start: "earliest" }), TEN);
    assert.deepEqual(countOf(cluster, "ConsumeStream"), ["a 0", "b 1", "c 1"]);
  });
});

Deno.test("consume() waits for a server that lags behind what it has read", async () => {
  await withCluster(async (cluster, client) => {
    await fill(cluster);
    const [b, c] = [cluster.node("b"), cluster.node("c")];
    let reads = 0;
    b.beforeRead = () => {
      if (++reads === 5) b.kill();
    };
    c.lagsAt = 2;
    cluster.node("a").isReachable = false;
    let refusals = 0;
    const original = c.backend.log;
    Object.assign(c.backend, {
      log: (name: string) => {
        if (++refusals === 3) c.lagsAt = Infinity;
        return original(name);
      },
    });
    assert.deepEqual(await consume(client, { start: "earliest" }), TEN);
  });
});

Deno.test("consume() that resumes on a lagging server does not end before the end", async () => {
  await withCluster(async (cluster, client) => {
    await fill(cluster);
    const [b, c] = [cluster.node("b"), cluster.node("c")];
    let reads = 0;
    b.beforeRead = () => {
      if (++reads === 5) b.kill();
    };
    c.lagsAt = 7;
    cluster.node("a").isReachable = false;
    let streams = 0;
    const original = c.backend.log;
    Object.assign(c.backend, {
      log: (name: string) => {
        if (++streams === 2) c.lagsAt = Infinity;
        return original(name);
      },
    });
    assert.deepEqual(await consume(client, { start: "earliest" }), TEN);
  });
});

Deno.test("consume() past the end of the log is an error, not a wait", async () => {
  await withCluster(async (cluster, client) => {
    await fill(cluster);
    await assert.rejects(
      consume(client, { start: "offset", offset: 11 }),
      { code: "offset_out_of_range" },
    );
  });
});

Deno.test("two clients know nothing of each other (defect 14)", async () => {
  await withCluster(async (first, one) => {
    await withCluster(async (second, two) => {
      first.leader = "c";
      await one.produce(record("x"));
      await two.produce(record("y"));
      assert.deepEqual(countOf(first, "Produce"), ["a 0", "b 0", "c 1"]);
      assert.deepEqual(countOf(second, "Produce"), ["a 1", "b 0", "c 0"]);
    });
  });
});

Deno.test("a Producer leaves a leader that hangs, once another one leads", async () => {
  await withCluster(async (cluster, client) => {
    const producer = client.producer();
    await producer.send(record("one"));
    const hung = Promise.withResolvers<void>();
    cluster.node("a").afterAppend = () => {
      hung.resolve();
      return new Promise(() => undefined);
    };
    const answer = producer.send(record("two"));
    await hung.promise;
    cluster.leader = "c";
    assert.equal((await answer).offset, 1);
    assert.equal(cluster.appended.length, 2);
    await producer.close();
  });
});

Deno.test("a Producer leaves a leader that is cut off from the others", async () => {
  await withCluster(async (cluster, client) => {
    const producer = client.producer();
    await producer.send(record("one"));
    cluster.node("a").isCutOff = true;
    cluster.leader = "b";
    assert.equal((await producer.send(record("two"))).offset, 1);
    await producer.close();
  }, { seeds: ["a"] });
});

Deno.test("produce() without a key leaves a server that is cut off from the others", async () => {
  await withCluster(async (cluster, client) => {
    await client.produce(record("one"));
    cluster.node("a").isCutOff = true;
    cluster.leader = "b";
    const fromMs = cluster.time.monotonicMs();
    assert.equal((await client.produce(record("two"))).offset, 1);
    assert.ok(cluster.time.monotonicMs() - fromMs < 2_000);
  }, { seeds: ["a"] });
});

Deno.test("consume() with follow leaves a follower that is cut off from the others", async () => {
  await withCluster(async (cluster, client) => {
    await fill(cluster);
    const b = cluster.node("b");
    b.beforeRead = () => {
      b.isCutOff = true;
      b.lagsAt = 5;
    };
    const values = client.consume({ start: "earliest", follow: true });
    let count = 0;
    for await (const batch of values) {
      count += batch.count;
      if (count === TEN.length) break;
    }
    assert.deepEqual(countOf(cluster, "ConsumeStream"), ["a 0", "b 1", "c 1"]);
  });
});

Deno.test("consume() with follow stays where it is while nobody leads", async () => {
  await withCluster(async (cluster, client) => {
    await fill(cluster);
    const stop = new AbortController();
    const { signal } = stop;
    const values = client.consume({ start: "latest", follow: true, signal });
    cluster.leader = undefined;
    cluster.time.after(60_000, () => stop.abort());
    for await (const _ of values) assert.fail("there is nothing to read");
    assert.deepEqual(countOf(cluster, "ConsumeStream"), ["a 1", "b 0", "c 0"]);
  });
});

Deno.test("consume() asks the leader when a follower cannot say that it is fresh", async () => {
  await withCluster(async (cluster, client) => {
    await fill(cluster);
    cluster.node("b").readBarrier = () => {
      throw new ProglogError("unavailable", "no leader answers");
    };
    const values = await consume(client, {
      start: "earliest",
      consistency: "linearizable",
    });
    assert.deepEqual(values, TEN);
  }, { names: ["a", "b"] });
});

Deno.test("consume() with follow outlives failures that are far apart in a quiet log", async () => {
  await withCluster(async (cluster, client) => {
    const stop = new AbortController();
    const { signal } = stop;
    for (const atMs of [1_000, 30_000, 60_000]) {
      cluster.time.after(atMs, () => {
        for (const node of cluster.nodes.values()) node.cut();
      });
    }
    cluster.time.after(90_000, () => stop.abort());
    const values = client.consume({ start: "latest", follow: true, signal });
    for await (const _ of values) assert.fail("there is nothing to read");
    assert.ok(signal.aborted);
  }, { names: ["a", "b"] });
});
