/**
 * Our gossip against Debian's `serf` 0.9.4, each side seen from the other. The
 * clusters run side by side: the first test starts them all, each test waits
 * for its own. Without `serf` every test is skipped by name.
 */
import assert from "node:assert/strict";
import { TIMINGS_LOCAL } from "../../core/swim/config.ts";
import { SERF_TIMINGS } from "../../core/swim/serf/context.ts";
import { Keyring } from "../../net/transport/gossip/keyring.ts";
import { TestNode } from "../support/gossip_env.ts";
import { hasSerf, SerfAgent, until } from "../support/serf_agent.ts";

const KEY = "aGVyZSBhcmUgdGhpcnR5LXR3byBieXRlcyBvZiBrZXk=";
const OTHER_KEY = "YW5vdGhlciBrZXkgb2YgdGhpcnR5LXR3byBieXRlcyE=";
const TAGS = { rpc_addr: "127.0.0.1:8400" };
/** Two periods of probing, the longest suspicion (18 s), and a busy machine. */
const FAILURE_KNOWN_MS = 30_000;

const isThere = hasSerf();
if (!isThere) {
  const text = "SKIPPED: tests/interop/serf_test.ts needs `apt install serf`\n";
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

const scenarios: { name: string; run: (cluster: Cluster) => Promise<void> }[] =
  [
    {
      name: "serf joins us, and members, tags and states agree on both sides",
      run: serfJoinsUs,
    },
    {
      name: "serf tags, event, query and reachability work across",
      run: commandsAcross,
    },
    {
      name: "we join serf, and our leave is left on its side",
      run: weJoinSerf,
    },
    { name: "a serf leave is left on our side", run: serfLeaves },
    { name: "serf killed by kill -9 is failed on both sides", run: serfKilled },
    {
      name: "our node gone silent is failed on both sides, until force-leave",
      run: oursKilled,
    },
    { name: "our force-leave reaches serf", run: ourForceLeave },
    { name: "our events and queries reach serf", run: ourEventsAndQueries },
    {
      name: "serf -encrypt and our keyring understand each other",
      run: encrypted,
    },
    { name: "keys are rotated across, from either side", run: keysAcross },
    {
      name: "plain serf and a serf with another key are refused",
      run: refused,
    },
    { name: "a name that two live nodes have is reported", run: nameConflict },
  ];

/** Started by the first test that runs; kept so that each awaits its own. */
const runs = new Map<string, Promise<string>>();

for (const { name } of scenarios) {
  Deno.test({
    name: isThere ? `GossipNode: ${name}` : `GossipNode: ${name} (no serf)`,
    ignore: !isThere,
    // The other clusters run on while one test ends.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      if (runs.size === 0) startAll();
      await runs.get(name);
    },
  });
}

function startAll(): void {
  for (const { name, run } of scenarios) {
    const cluster = new Cluster();
    const done = run(cluster).then(
      () => cluster.stop(),
      async (cause) => {
        throw new Error(await cluster.stop(), { cause });
      },
    );
    // Its own test reports the failure, perhaps much later.
    done.catch(() => undefined);
    runs.set(name, done);
  }
}

class Cluster {
  readonly #agents: SerfAgent[] = [];
  readonly #nodes: TestNode[] = [];

  async serf(
    name: string,
    join?: string,
    ...args: string[]
  ): Promise<SerfAgent> {
    const target = join === undefined ? {} : { join };
    const agent = await SerfAgent.start({ name, args, ...target });
    this.#agents.push(agent);
    return agent;
  }

  async ours(
    name: string,
    options: Partial<ConstructorParameters<typeof TestNode>[0]> = {},
  ): Promise<TestNode> {
    const test = new TestNode({
      name,
      tags: TAGS,
      // A busy machine may well need more than the second of the profile.
      timings: { ...TIMINGS_LOCAL, streamTimeoutMs: 10_000 },
      serfTimings: { ...SERF_TIMINGS, reconnectIntervalMs: 2000 },
      ...options,
    });
    await test.node.start();
    this.#nodes.push(test);
    return test;
  }

  /** Ends all; what they had to say. */
  async stop(): Promise<string> {
    const ours = this.#nodes.flatMap(({ events }) =>
      events.map((event) => JSON.stringify(event)).slice(-30)
    );
    const theirs = await Promise.all(this.#agents.map((agent) => agent.kill()));
    await Promise.all(this.#nodes.map(({ node }) => node.stop()));
    return [...ours, ...theirs].join("\n");
  }
}

async function serfJoinsUs(cluster: Cluster): Promise<void> {
  const ours = await cluster.ours("ours");
  const serf = await cluster.serf("serf", ours.address, "-tag", "k=v");
  await until(
    "serf shows us",
    async () => await serf.statusOf("ours") === "alive",
  );
  await until("we show serf", () => statusOf(ours, "serf") === "alive");
  const theirs = (await serf.members()).map(({ name, addr, status, tags }) => ({
    name,
    addr,
    status,
    tags,
  }));
  const own = ours.node.members().map(({ name, host, port, status, tags }) => ({
    name,
    addr: `${host}:${port}`,
    status,
    tags,
  }));
  assert.deepEqual(theirs.sort((a, b) => (a.name < b.name ? -1 : 1)), own);
  assert.deepEqual(own.find(({ name }) => name === "ours")?.tags, TAGS);
}

async function commandsAcross(cluster: Cluster): Promise<void> {
  const ours = await cluster.ours("ours");
  const serf = await cluster.serf("serf", ours.address);
  await until(
    "serf shows us",
    async () => await serf.statusOf("ours") === "alive",
  );

  await serf.run("tags", "-set", "zone=b");
  await until("the tag arrives", () => tagOf(ours, "serf", "zone") === "b");

  ours.node.setTags({ ...TAGS, is_leader: "true" });
  await until("our tag arrives", async () => {
    const us = (await serf.members()).find(({ name }) => name === "ours");
    return us?.tags["is_leader"] === "true";
  });

  await serf.run("event", "deploy", "v1");
  const event = await ours.event("the event", (e) => e.kind === "user_event");
  assert.ok(event.kind === "user_event" && event.name === "deploy");
  assert.equal(new TextDecoder().decode(event.payload), "v1");

  const asked = serf.run("query", "-timeout=3s", "uptime", "now?");
  const query = await ours.event("the query", (e) => e.kind === "query");
  assert.ok(query.kind === "query" && query.query.from === "serf");
  ours.node.respond(query.query, new TextEncoder().encode("since noon"));
  const { text } = await asked;
  assert.match(text, /Response from 'ours': since noon/);

  const reachability = await serf.run("reachability");
  assert.match(reachability.text, /Successfully contacted all live nodes/);
}

async function weJoinSerf(cluster: Cluster): Promise<void> {
  const serf = await cluster.serf("serf");
  const ours = await cluster.ours("ours");
  await joinInTime(ours, serf.address);
  await until(
    "serf shows us",
    async () => await serf.statusOf("ours") === "alive",
  );
  await ours.node.leave();
  assert.equal(await serf.statusOf("ours"), "left");
  assert.equal(statusOf(ours, "ours"), "left");
}

async function serfLeaves(cluster: Cluster): Promise<void> {
  const ours = await cluster.ours("ours");
  const serf = await cluster.serf("serf", ours.address);
  await until("we show serf", () => statusOf(ours, "serf") === "alive");
  await serf.run("leave");
  await until("serf has left", () => statusOf(ours, "serf") === "left");
}

async function serfKilled(cluster: Cluster): Promise<void> {
  const ours = await cluster.ours("ours");
  const serf = await cluster.serf("serf", ours.address);
  const victim = await cluster.serf("victim", ours.address);
  await until("all are there", async () => (await serf.members()).length === 3);
  await victim.kill();
  await seenFailed(ours, serf, "victim");
}

async function oursKilled(cluster: Cluster): Promise<void> {
  const ours = await cluster.ours("ours");
  const serf = await cluster.serf("serf", ours.address);
  const victim = await cluster.ours("victim");
  await joinInTime(victim, ours.address);
  await until("all are there", async () => (await serf.members()).length === 3);
  // Sockets closed and no word of a leave: what kill -9 looks like outside.
  await victim.node.stop();
  await seenFailed(ours, serf, "victim");
  await serf.run("force-leave", "victim");
  await until("it has left", () => statusOf(ours, "victim") === "left");
}

async function seenFailed(
  ours: TestNode,
  serf: SerfAgent,
  name: string,
): Promise<void> {
  await until(
    `we see ${name} failed`,
    () => statusOf(ours, name) === "failed",
    FAILURE_KNOWN_MS,
  );
  await until(
    `serf sees ${name} failed`,
    async () => await serf.statusOf(name) === "failed",
    FAILURE_KNOWN_MS,
  );
}

async function ourForceLeave(cluster: Cluster): Promise<void> {
  const ours = await cluster.ours("ours");
  const serf = await cluster.serf("serf", ours.address);
  const victim = await cluster.serf("victim", ours.address);
  await until("all are there", async () => (await serf.members()).length === 3);
  await victim.kill();
  await seenFailed(ours, serf, "victim");
  ours.node.forceLeave("victim", { isPrune: false });
  await until(
    "serf agrees",
    async () => await serf.statusOf("victim") === "left",
  );
}

async function ourEventsAndQueries(cluster: Cluster): Promise<void> {
  const ours = await cluster.ours("ours");
  const handler = "-event-handler=query:who=printf stock-serf";
  const serf = await cluster.serf("serf", ours.address, handler);
  await until("we show serf", () => statusOf(ours, "serf") === "alive");
  const none = new Uint8Array(0);
  ours.node.userEvent({ name: "hello", payload: none, canCoalesce: false });
  const asked = {
    name: "who",
    payload: none,
    timeoutMs: 3000,
    wantsAcks: true,
  };
  const { id } = ours.node.query(asked);
  const answer = await ours.event(
    "serf's answer",
    (e) => e.kind === "query_response" && e.id === id && e.from === "serf",
  );
  assert.ok(answer.kind === "query_response");
  assert.equal(new TextDecoder().decode(answer.payload), "stock-serf");
  await ours.event(
    "serf's ack",
    (e) => e.kind === "query_ack" && e.from === "serf",
  );
  assert.match(await serf.kill(), /user-event: hello/);
}

async function encrypted(cluster: Cluster): Promise<void> {
  const cipher = new Keyring([OTHER_KEY, KEY]);
  const ours = await cluster.ours("ours", { cipher });
  // Serf has the second key only: we must encrypt with it to be understood.
  await cipher.use(KEY);
  const serf = await cluster.serf("serf", ours.address, `-encrypt=${KEY}`);
  await until(
    "serf shows us",
    async () => await serf.statusOf("ours") === "alive",
  );
  const other = await cluster.ours("other", { cipher: new Keyring([KEY]) });
  await joinInTime(other, serf.address);
  await until(
    "all are there",
    async () =>
      ours.node.members().length === 3 && (await serf.members()).length === 3,
  );
  const reachability = await serf.run("reachability");
  assert.match(reachability.text, /Successfully contacted all live nodes/);
  // Several probes later all are still alive: packets are understood too.
  await ours.node.leave();
  await until(
    "left, encrypted",
    async () =>
      await serf.statusOf("ours") === "left" &&
      statusOf(other, "ours") === "left",
  );
}

async function keysAcross(cluster: Cluster): Promise<void> {
  const keyring = new Keyring([KEY]);
  const ours = await cluster.ours("ours", { cipher: keyring, keys: keyring });
  const serf = await cluster.serf("serf", ours.address, `-encrypt=${KEY}`);
  await until(
    "both are there",
    async () =>
      await serf.statusOf("ours") === "alive" &&
      statusOf(ours, "serf") === "alive",
  );
  // Serf puts the new key in, we put it to use, serf takes the old one out.
  const installed = await serf.run("keys", `-install=${OTHER_KEY}`);
  assert.equal(installed.code, 0, installed.text);
  assert.deepEqual(keyring.list(), [KEY, OTHER_KEY]);
  const key = Uint8Array.fromBase64(OTHER_KEY);
  const used = await ours.node.changeKeys({ operation: "use", key });
  assert.deepEqual(used, {
    nodeCount: 2,
    answerCount: 2,
    failures: [],
    keys: [],
  });
  const removed = await serf.run("keys", `-remove=${KEY}`);
  assert.equal(removed.code, 0, removed.text);
  assert.deepEqual(keyring.list(), [OTHER_KEY]);
  const listed = await ours.node.changeKeys({ operation: "list", key });
  assert.deepEqual(
    listed.keys.map(({ key, installedCount }) => ({
      key,
      installedCount,
    })),
    [{ key: OTHER_KEY, installedCount: 2 }],
  );
  const wrong = Uint8Array.fromBase64(KEY);
  const missing = await ours.node.changeKeys({ operation: "use", key: wrong });
  assert.deepEqual(
    missing.failures.map(({ node }) => node).sort(),
    ["ours", "serf"],
  );
}

async function refused(cluster: Cluster): Promise<void> {
  const ours = await cluster.ours("ours", { cipher: new Keyring([KEY]) });
  const plain = await cluster.serf("plain", ours.address);
  const foreign = await cluster.serf(
    "foreign",
    ours.address,
    `-encrypt=${OTHER_KEY}`,
  );
  const isRefusal = (reason: RegExp) =>
    ours.event(
      `a refusal: ${reason}`,
      (e) => e.kind === "notice" && reason.test(e.text),
    );
  await isRefusal(/message is not encrypted/);
  await isRefusal(/no key opens the message/);
  assert.deepEqual(ours.node.members().map(({ name }) => name), ["ours"]);
  assert.equal((await plain.members()).length, 1);
  assert.equal((await foreign.members()).length, 1);
}

async function nameConflict(cluster: Cluster): Promise<void> {
  const ours = await cluster.ours("twin");
  const watcher = await cluster.ours("watcher");
  await joinInTime(watcher, ours.address);
  await cluster.serf("twin", ours.address);
  const conflict = await ours.event(
    "a conflict",
    (e) => e.kind === "name_conflict",
  );
  assert.ok(conflict.kind === "name_conflict");
  assert.equal(conflict.name, "twin");
  assert.ok(conflict.isOurs);
  assert.equal(statusOf(watcher, "twin"), "alive");
}

async function joinInTime({ node }: TestNode, seed: string): Promise<void> {
  const outcome = await node.join([seed], { timeoutMs: 20_000 });
  assert.ok(outcome.ok, `no join of ${seed}`);
}

function statusOf({ node }: TestNode, name: string): string {
  return node.members().find((one) => one.name === name)?.status ?? "none";
}

function tagOf({ node }: TestNode, name: string, tag: string) {
  return node.members().find((one) => one.name === name)?.tags[tag];
}
