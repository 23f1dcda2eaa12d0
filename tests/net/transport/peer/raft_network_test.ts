/** Raft's messages between two networks over real sockets. */
import assert from "node:assert/strict";
import { logIndex, term } from "../../../../core/ids.ts";
import type { Attachment } from "../../../../core/raft/codec.ts";
import type { Message, Outgoing } from "../../../../core/raft/messages.ts";
import { createClock, createScheduler } from "../../../../net/os/clock.ts";
import { createRandom } from "../../../../net/os/random.ts";
import { listen } from "../../../../net/transport/listener.ts";
import { RaftNetwork } from "../../../../net/transport/peer/raft_network.ts";
import { PROTOCOL_RAFT } from "../../../../net/transport/types.ts";

async function open(id: string) {
  const received: Message[] = [];
  const unreachable: string[] = [];
  const notices: string[] = [];
  const up = Promise.withResolvers<void>();
  const event = { happened: () => undefined as void };
  const network = new RaftNetwork({
    self: { id, clusterId: () => "" },
    tls: () => undefined,
    clock: createClock(),
    scheduler: createScheduler(),
    random: createRandom(),
    parseEntries: (raw) => [{
      kind: "data",
      index: logIndex(6),
      term: term(2),
      raw,
    }],
    onMessage: (message) => {
      received.push(message);
      event.happened();
    },
    onUnreachable: (peer) => {
      unreachable.push(peer);
      event.happened();
    },
    onLinkState: (_, state) => state === "up" ? up.resolve() : undefined,
    onNotice: ({ fields }) => {
      notices.push(String(fields["reason"]));
      event.happened();
    },
  });
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    tls: undefined,
    protocols: new Map([[PROTOCOL_RAFT, network.links.handler]]),
    scheduler: createScheduler(),
  });
  const until = async (check: () => boolean) => {
    while (!check()) {
      await new Promise<void>((resolve) => event.happened = resolve);
    }
  };
  const close = async () => {
    network.links.stop();
    await listener.close({ drainMs: 0 });
  };
  const address = `127.0.0.1:${listener.port}`;
  return { network, received, unreachable, notices, up, until, address, close };
}

type Opened = Awaited<ReturnType<typeof open>>;

async function withPair(run: (a: Opened, b: Opened) => Promise<void>) {
  const [a, b] = [await open("a"), await open("b")];
  try {
    a.network.links.setPeers(new Map([["b", b.address]]));
    await a.up.promise;
    await run(a, b);
  } finally {
    await a.close();
    await b.close();
  }
}

function envelope(from = "a") {
  return { log: "default", from, to: "b", term: term(2) };
}

const HEARTBEAT: Outgoing = {
  kind: "heartbeat",
  ...envelope(),
  commitIndex: logIndex(5),
  round: 3,
};

const APPEND: Outgoing = {
  kind: "append",
  ...envelope(),
  prevIndex: logIndex(5),
  prevTerm: term(1),
  commitIndex: logIndex(5),
  range: { from: logIndex(6), to: logIndex(6) },
};

const ENTRIES: Attachment = {
  kind: "entries",
  raw: [Uint8Array.of(1, 2), new Uint8Array(300_000)],
};

Deno.test("send() brings heartbeats, and appends with their entries", async () => {
  await withPair(async (a, b) => {
    a.network.send(HEARTBEAT, undefined);
    a.network.send(APPEND, ENTRIES);
    await b.until(() => b.received.length === 2);
    const kinds = b.received.map(({ kind }) => kind).sort();
    assert.deepEqual(kinds, ["append", "heartbeat"]);
    const append = b.received.find(({ kind }) => kind === "append");
    assert.ok(append?.kind === "append");
    assert.equal(append.entries[0]?.raw.length, 300_002);
  });
});

Deno.test("an empty append does not overtake the entries before it", async () => {
  await withPair(async (a, b) => {
    a.network.send(APPEND, ENTRIES);
    const { range: _, ...head } = APPEND as Extract<
      Outgoing,
      { range: unknown }
    >;
    a.network.send(
      { ...head, prevIndex: logIndex(6), range: undefined },
      undefined,
    );
    await b.until(() => b.received.length === 2);
    const sizes = b.received.map((one) =>
      one.kind === "append" ? one.entries.length : -1
    );
    assert.deepEqual(sizes, [1, 0]);
  });
});

Deno.test("a node that speaks for another one is cut off", async () => {
  await withPair(async (a, b) => {
    a.network.send({ ...HEARTBEAT, from: "c" }, undefined);
    await b.until(() => b.notices.length > 0);
    assert.deepEqual(b.notices, ["Cannot take a message of c from node a"]);
    assert.deepEqual(b.received, []);
  });
});

Deno.test("onUnreachable tells of a broken link and of dropped entries", async () => {
  await withPair(async (a, b) => {
    a.network.send({ ...APPEND, to: "nobody" }, ENTRIES);
    a.network.send({ ...HEARTBEAT, to: "nobody" }, undefined);
    assert.deepEqual(a.unreachable, ["nobody"]);
    await b.close();
    await a.until(() => a.unreachable.length > 1);
    assert.equal(a.unreachable[1], "b");
  });
});
