/** Peer links over real sockets on loopback, with and without TLS. */
import assert from "node:assert/strict";
import net from "node:net";
import tls from "node:tls";
import { identityOf } from "../../../../net/auth/subject.ts";
import { createClock, createScheduler } from "../../../../net/os/clock.ts";
import { createRandom } from "../../../../net/os/random.ts";
import {
  LINK_LIMITS,
  type LinkLimits,
} from "../../../../net/transport/peer/limits.ts";
import {
  type LinkNotice,
  PeerLinks,
} from "../../../../net/transport/peer/peer_links.ts";
import { listen, type Listener } from "../../../../net/transport/listener.ts";
import {
  PROTOCOL_RAFT,
  type TlsMaterial,
} from "../../../../net/transport/types.ts";
import {
  makeTestCertificates,
  type TestCertificates,
} from "../../../support/test_certificates.ts";

const text = (value: string) => new TextEncoder().encode(value);
const untext = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Quick enough to see reconnects without sleeping. */
const LIMITS: LinkLimits = {
  ...LINK_LIMITS,
  backoffFirstMs: 5,
  backoffMaxMs: 20,
};

class Node {
  readonly links: PeerLinks;
  readonly received: [from: string, bytes: Uint8Array][] = [];
  readonly states: string[] = [];
  readonly notices: LinkNotice[] = [];
  #listener: Listener | undefined;
  readonly #material: { server: TlsMaterial; peer: TlsMaterial } | undefined;
  #waiting: { check: () => boolean; resolve: () => void }[] = [];

  constructor(
    id: string,
    material?: { server: TlsMaterial; peer: TlsMaterial },
    clusterId = "",
  ) {
    this.#material = material;
    this.links = new PeerLinks({
      self: { id, clusterId: () => clusterId },
      tls: () => material?.peer,
      clock: createClock(),
      scheduler: createScheduler(),
      random: createRandom(),
      limits: LIMITS,
      onMessage: (from, bytes) => {
        this.received.push([from, bytes]);
        this.#changed();
      },
      onLinkState: (peer, state) => {
        this.states.push(`${peer} ${state}`);
        this.#changed();
      },
      onNotice: (notice) => {
        this.notices.push(notice);
        this.#changed();
      },
    });
  }

  get address(): string {
    return `127.0.0.1:${this.#listener?.port}`;
  }

  async open(port = 0): Promise<this> {
    this.#listener = await listen({
      host: "127.0.0.1",
      port,
      tls: this.#material?.server,
      identify: identityOf,
      protocols: new Map([[PROTOCOL_RAFT, this.links.handler]]),
      scheduler: createScheduler(),
    });
    return this;
  }

  /** Resolves when `check` holds; it is asked after each event. */
  until(check: () => boolean): Promise<void> {
    if (check()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ check, resolve }));
  }

  #changed(): void {
    const met = this.#waiting.filter(({ check }) => check());
    this.#waiting = this.#waiting.filter((other) => !met.includes(other));
    for (const { resolve } of met) resolve();
  }

  async close(): Promise<void> {
    this.links.stop();
    await this.#listener?.close({ drainMs: 0 });
    this.#listener = undefined;
  }
}

async function withNodes(
  options: { material?: TestCertificates },
  run: (a: Node, b: Node) => Promise<void>,
): Promise<void> {
  const a = await new Node("a", options.material).open();
  const b = await new Node("b", options.material).open();
  try {
    a.links.setPeers(new Map([["b", b.address]]));
    b.links.setPeers(new Map([["a", a.address]]));
    await a.until(() => a.states.includes("b up"));
    await b.until(() => b.states.includes("a up"));
    await run(a, b);
  } finally {
    await a.close();
    await b.close();
  }
}

async function withCertificates(
  run: (certificates: TestCertificates) => Promise<void>,
): Promise<void> {
  const certificates = makeTestCertificates();
  try {
    await run(certificates);
  } finally {
    certificates.remove();
  }
}

for (const mode of ["TLS", "plain"] as const) {
  Deno.test(`send() brings messages of all sizes in order, ${mode}`, async () => {
    const run = (material?: TestCertificates) =>
      withNodes(material === undefined ? {} : { material }, async (a, b) => {
        const large = crypto.getRandomValues(new Uint8Array(65_536));
        const pieces = [text("head"), ...Array(20).fill(large), text("tail")];
        assert.equal(a.links.send("b", [text("one")], "bulk"), "queued");
        assert.equal(a.links.send("b", pieces, "bulk"), "queued");
        assert.equal(a.links.send("b", [], "bulk"), "queued");
        assert.equal(a.links.send("b", [text("two")], "bulk"), "queued");
        await b.until(() => b.received.length === 4);
        assert.deepEqual(b.received.map(([from]) => from), [
          "a",
          "a",
          "a",
          "a",
        ]);
        assert.deepEqual(b.received.map(([, bytes]) => bytes.length), [
          3,
          20 * 65_536 + 8,
          0,
          3,
        ]);
        const whole = b.received[1]![1];
        assert.equal(untext(whole.subarray(0, 4)), "head");
        assert.deepEqual(whole.subarray(4, 4 + 65_536), large);
        assert.equal(untext(whole.subarray(-4)), "tail");
        b.links.send("a", [text("back")], "control");
        await a.until(() => a.received.length === 1);
        assert.equal(untext(a.received[0]![1]), "back");
      });
    if (mode === "plain") await run();
    else await withCertificates(run);
  });
}

Deno.test("control does not wait behind bulk", async () => {
  await withNodes({}, async (a, b) => {
    const megabyte = new Uint8Array(1024 * 1024);
    for (let n = 0; n < 32; n++) a.links.send("b", [megabyte], "bulk");
    a.links.send("b", [text("heartbeat")], "control");
    await b.until(() => b.received.length === 33);
    const place = b.received.findIndex(([, bytes]) => bytes.length === 9);
    assert.ok(place < 16, `the heartbeat came after ${place} of 32 MiB`);
  });
});

Deno.test("send() drops what does not fit, and what has no link", async () => {
  await withNodes({}, (a) => {
    const megabyte = new Uint8Array(1024 * 1024);
    // What the socket takes at once does not count; the rest has a bound.
    const outcomes = Array.from(
      { length: 64 },
      () => a.links.send("b", [megabyte], "control"),
    );
    assert.equal(outcomes[0], "queued");
    assert.equal(outcomes.at(-1), "dropped");
    assert.equal(a.links.send("nobody", [text("x")], "control"), "dropped");
    return Promise.resolve();
  });
});

Deno.test("a client certificate may not speak Raft", async () => {
  await withCertificates(async (material) => {
    const node = await new Node("a", material).open();
    const port = Number(node.address.split(":")[1]);
    const socket = tls.connect({
      host: "127.0.0.1",
      port,
      ...material.root,
      servername: "localhost",
      ALPNProtocols: [PROTOCOL_RAFT],
    });
    socket.on("error", () => undefined);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await closed;
    assert.deepEqual(node.notices.map(({ fields }) => fields["reason"]), [
      `the certificate of "root" is not that of a peer, and only peers may speak this protocol`,
    ]);
    await node.close();
  });
});

Deno.test("a link comes back when its peer does, and tells up and down", async () => {
  const a = await new Node("a").open();
  const b = await new Node("b").open();
  const port = Number(b.address.split(":")[1]);
  a.links.setPeers(new Map([["b", b.address]]));
  await a.until(() => a.states.length === 1);
  await b.close();
  await a.until(() => a.states.length === 2);
  const again = await new Node("b").open(port);
  await a.until(() => a.states.length === 3);
  assert.deepEqual(a.states, ["b up", "b down", "b up"]);
  a.links.send("b", [text("again")], "control");
  await again.until(() => again.received.length === 1);
  await a.close();
  await again.close();
});

Deno.test("setPeers() follows a peer to its new address", async () => {
  await withNodes({}, async (a, b) => {
    const moved = await new Node("b").open();
    a.links.setPeers(new Map([["b", moved.address]]));
    await a.until(() => a.states.length === 3);
    assert.deepEqual(a.states, ["b up", "b down", "b up"]);
    a.links.send("b", [text("here")], "bulk");
    await moved.until(() => moved.received.length === 1);
    assert.equal(b.received.length, 0);
    await moved.close();
  });
});

Deno.test("setPeers() without a peer closes its link", async () => {
  await withNodes({}, (a) => {
    a.links.setPeers(new Map());
    assert.deepEqual(a.states, ["b up", "b down"]);
    assert.equal(a.links.send("b", [text("x")], "control"), "dropped");
    assert.deepEqual(a.links.status(), []);
    return Promise.resolve();
  });
});

Deno.test("another node at the address of a peer is not spoken to", async () => {
  const a = await new Node("a").open();
  const wiped = await new Node("b2").open();
  a.links.setPeers(new Map([["b", wiped.address]]));
  await a.until(() => a.notices.length > 0);
  assert.match(
    String(a.notices[0]!.fields["reason"]),
    /this is node b2 and not b$/,
  );
  assert.equal(a.links.send("b", [text("x")], "control"), "dropped");
  await a.close();
  await wiped.close();
});

Deno.test("a node of another cluster is refused by both ends", async () => {
  const a = await new Node("a", undefined, "green").open();
  const b = await new Node("b", undefined, "blue").open();
  a.links.setPeers(new Map([["b", b.address]]));
  await a.until(() => a.notices.length > 0);
  await b.until(() => b.notices.length > 0);
  const reason = "node b belongs to cluster blue and not to green";
  assert.equal(b.notices[0]!.fields["reason"], reason);
  assert.ok(String(a.notices[0]!.fields["reason"]).endsWith(reason));
  await a.close();
  await b.close();
});

Deno.test("bytes that are no frames end the connection and nothing else", async () => {
  await withNodes({}, async (a, b) => {
    const port = Number(b.address.split(":")[1]);
    const socket = net.connect({ host: "127.0.0.1", port });
    socket.on("error", () => undefined);
    socket.write(Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff, 9, 9, 9));
    await new Promise((resolve) => socket.once("close", resolve).resume());
    a.links.send("b", [text("still")], "control");
    await b.until(() => b.received.length === 1);
    assert.match(String(b.notices.at(-1)!.fields["reason"]), /kind 9/);
  });
});

Deno.test("a peer that dials again replaces its old connection", async () => {
  await withNodes({}, async (a, b) => {
    const second = new Node("a");
    second.links.setPeers(new Map([["b", b.address]]));
    await second.until(() => second.states.includes("b up"));
    await a.until(() => a.states.includes("b down"));
    await second.close();
  });
});
