/** Nodes on real sockets of this machine. */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import net from "node:net";
import { TIMINGS_LOCAL } from "../../../core/swim/config.ts";
import { Keyring } from "../../../net/transport/gossip/keyring.ts";
import { TestNode } from "../../support/gossip_env.ts";

const KEY = new Uint8Array(32).fill(7).toBase64();
const timings = TIMINGS_LOCAL;

Deno.test("GossipNode joins, updates tags, answers a query and leaves", async () => {
  const a = new TestNode({ name: "a", timings, tags: { zone: "1" } });
  const b = new TestNode({ name: "b", timings });
  await a.node.start();
  await b.node.start();
  try {
    assert.deepEqual(await b.node.join([a.address]), {
      ok: true,
      answered: [a.node.local],
    });
    await a.event(
      "b joins",
      (e) => e.kind === "member_join" && e.member.name === "b",
    );
    assert.deepEqual(b.node.members().map(({ name }) => name), ["a", "b"]);
    a.node.setTags({ zone: "2" });
    const update = await b.event(
      "a changes",
      (e) => e.kind === "member_update",
    );
    assert.ok(update.kind === "member_update");
    assert.deepEqual(update.member.tags, { zone: "2" });
    await a.node.leave();
    const leave = await b.event("a leaves", (e) => e.kind === "member_leave");
    assert.ok(leave.kind === "member_leave" && leave.member.status === "left");
  } finally {
    await a.node.stop();
    await b.node.stop();
  }
});

Deno.test("GossipNode lives through closed ports, noise and streams without end", async () => {
  const a = new TestNode({ name: "a", timings });
  await a.node.start();
  const { host, port } = a.node.local;
  const noise = dgram.createSocket("udp4");
  const half = net.connect(port, host);
  try {
    for (let i = 0; i < 100; i++) noise.send(new Uint8Array(i), port, host);
    half.write(Uint8Array.fromHex("0683a44a6f"));
    // A seed that nobody listens on: refused, told, tried again, given up.
    const outcome = await a.node.join(["127.0.0.1:9"], { timeoutMs: 300 });
    assert.deepEqual(outcome, { ok: false, reason: "timed_out" });
    await a.event(
      "the refusal is told",
      (e) => e.kind === "notice" && e.text.startsWith("Cannot join yet"),
    );
    // The local profile gives a stream one second.
    await a.event(
      "the endless stream is ended",
      (e) => e.kind === "notice" && e.text.endsWith("timed out"),
    );
    assert.equal(a.node.members().length, 1);
  } finally {
    noise.close();
    half.destroy();
    await a.node.stop();
  }
});

Deno.test("GossipNode with a key refuses plain packets and streams", async () => {
  const sealed = new TestNode({
    name: "a",
    timings,
    cipher: new Keyring([KEY]),
  });
  const plain = new TestNode({ name: "b", timings });
  await sealed.node.start();
  await plain.node.start();
  try {
    const outcome = await plain.node.join([sealed.address], { timeoutMs: 500 });
    assert.equal(outcome.ok, false);
    assert.equal(sealed.node.members().length, 1);
  } finally {
    await sealed.node.stop();
    await plain.node.stop();
  }
});

Deno.test("start() says which address is taken, and that 0.0.0.0 is none to advertise", async () => {
  const a = new TestNode({ name: "a" });
  await a.node.start();
  try {
    const b = new TestNode({ name: "b", bindAddr: a.address });
    await assert.rejects(b.node.start(), {
      code: "unavailable",
      message: `Cannot listen for gossip on ${a.address}`,
    });
  } finally {
    await a.node.stop();
  }
  const c = new TestNode({ name: "c", bindAddr: "0.0.0.0:0" });
  await assert.rejects(c.node.start(), { code: "invalid_argument" });
  await c.node.stop();
});

Deno.test("stop() ends a join that is still trying", async () => {
  const a = new TestNode({ name: "a" });
  await a.node.start();
  const join = a.node.join(["127.0.0.1:9"]);
  await a.event("a first refusal", (e) => e.kind === "notice");
  await a.node.stop();
  assert.deepEqual(await join, { ok: false, reason: "stopped" });
});
