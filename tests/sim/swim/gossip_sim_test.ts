/**
 * Clusters in virtual time. Sizes are for a quick run; `SWIM_SIM=full` takes
 * those of docs/swim.md: an hour of 100 nodes, and 1,000 nodes.
 * `SWIM_SEED=7` replays a seed that a failure has printed.
 */
import assert from "node:assert/strict";
import { TIMINGS_LAN } from "../../../core/swim/config.ts";
import { suspicionMinMs } from "../../../core/swim/suspicion.ts";
import { transmissionsMax } from "../../../core/swim/broadcast_queue.ts";
import { GossipSim, type SimNode, type SimOptions } from "./gossip_sim.ts";

const isFull = Deno.env.get("SWIM_SIM") === "full";
const SEED = Number(Deno.env.get("SWIM_SEED") ?? 1);
const LOSSY_MINUTES = isFull ? 60 : 4;
const CROWD = isFull ? 1000 : 120;

function simTest(
  name: string,
  options: Omit<SimOptions, "seed">,
  body: (sim: GossipSim) => Promise<string>,
): void {
  Deno.test(`GossipSim: ${name}`, async () => {
    const startedAtMs = performance.now();
    const sim = new GossipSim({ ...options, seed: SEED });
    try {
      const figures = await body(sim);
      const tookMs = Math.round(performance.now() - startedAtMs);
      print(
        `${name}: ${figures} (seed ${SEED}, ${sim.packets} packets, ${tookMs} ms)`,
      );
    } catch (cause) {
      throw new Error(`Replay with SWIM_SEED=${SEED}`, { cause });
    } finally {
      await sim.stop();
    }
  });
}

simTest(
  "nodes that lose 5 % of packets and connections show no false failure that stays",
  { packetLoss: 0.05, streamLoss: 0.05 },
  async (sim) => {
    const nodes = await addNodes(sim, 100);
    const names = nodes.map(({ name }) => name);
    const joinedMs = await converge(sim, nodes, 60_000);
    await sim.run(LOSSY_MINUTES * 60_000);
    const falseFailures = sim.falseFailures();
    await sim.runUntil(() => sim.all(nodes, names, "alive"), {
      timeoutMs: 60_000,
      stepMs: 1000,
    });
    assert.ok(sim.all(nodes, names, "alive"));
    return `100 nodes, ${LOSSY_MINUTES} min, joined in ${joinedMs} ms, ` +
      `${falseFailures} false reports in all`;
  },
);

simTest("a dead node is known everywhere in time", {}, async (sim) => {
  const nodes = await addNodes(sim, 50);
  await converge(sim, nodes, 60_000);
  await sim.run(30_000);
  const victim = nodes[25]!;
  await sim.crash(victim);
  const knownMs = await sim.runUntil(
    () => sim.all(sim.nodes, [victim.name], "failed"),
    { timeoutMs: 120_000, stepMs: 100 },
  );
  const boundMs = knownBoundMs(50);
  assert.ok(knownMs !== undefined && knownMs <= boundMs, `${knownMs} ms`);
  return `50 nodes, known in ${knownMs} ms, bound ${boundMs} ms`;
});

simTest("a crowd converges", {}, async (sim) => {
  const nodes = await addNodes(sim, CROWD);
  const joinedMs = await converge(sim, nodes, 300_000);
  return `${CROWD} nodes in ${joinedMs} ms`;
});

simTest("a cut in half heals to one table", {}, async (sim) => {
  const nodes = await addNodes(sim, 20);
  await converge(sim, nodes, 60_000);
  const isLeft = (host: string) => Number(host.split(".")[3]) <= 10;
  sim.canReach = (a, b) => isLeft(a) === isLeft(b);
  const left = nodes.slice(0, 10);
  const right = nodes.slice(10);
  const cutMs = await sim.runUntil(
    () =>
      sim.all(left, namesOf(right), "failed") &&
      sim.all(right, namesOf(left), "failed"),
    { timeoutMs: 120_000, stepMs: 500 },
  );
  assert.ok(cutMs !== undefined);
  // Longer than the dead get gossip: only calling on them heals.
  await sim.run(120_000);
  assert.ok(sim.all(left, namesOf(left), "alive"));
  sim.canReach = () => true;
  const healedMs = await converge(sim, nodes, 120_000);
  return `20 nodes, seen in ${cutMs} ms, healed in ${healedMs} ms`;
});

simTest(
  "a leave is known as one everywhere",
  { packetLoss: 0.05 },
  async (sim) => {
    const nodes = await addNodes(sim, 30);
    await converge(sim, nodes, 60_000);
    const leaver = nodes[7]!;
    void leaver.node.leave();
    const others = nodes.filter((node) => node !== leaver);
    const leftMs = await sim.runUntil(
      () => sim.all(others, [leaver.name], "left"),
      { timeoutMs: 60_000, stepMs: 100 },
    );
    assert.ok(leftMs !== undefined);
    return `30 nodes, known in ${leftMs} ms`;
  },
);

simTest("a node back at its own address is a member again", {}, async (sim) => {
  const nodes = await addNodes(sim, 10);
  await converge(sim, nodes, 60_000);
  // Faster than anyone can notice: its new life must outdo its old one.
  const host = nodes[4]!.node.local.host;
  await sim.crash(nodes[4]!);
  const again = await sim.add("n4", host);
  await sim.run(2000);
  again.node.setTags({ life: "second" });
  const knownMs = await sim.runUntil(
    () =>
      sim.nodes.every((node) =>
        memberOf(node, "n4")?.tags["life"] === "second"
      ),
    { timeoutMs: 30_000, stepMs: 100 },
  );
  assert.ok(knownMs !== undefined);
  return `known in ${knownMs} ms`;
});

simTest("a node back at a new address is the same member", {}, async (sim) => {
  const nodes = await addNodes(sim, 10);
  await converge(sim, nodes, 60_000);
  await sim.crash(nodes[4]!);
  const again = await sim.add("n4");
  const { host } = again.node.local;
  const movedMs = await sim.runUntil(
    () => sim.nodes.every((node) => memberOf(node, "n4")?.host === host),
    { timeoutMs: 180_000, stepMs: 500 },
  );
  assert.ok(movedMs !== undefined);
  await sim.run(10_000);
  assert.ok(sim.all(sim.nodes, ["n4"], "alive"));
  assert.ok(sim.nodes.every(({ node }) => node.members().length === 10));
  return `known in ${movedMs} ms`;
});

simTest("two live nodes with one name both report it", {}, async (sim) => {
  const nodes = await addNodes(sim, 5);
  await converge(sim, nodes, 60_000);
  const twin = await sim.add("n3");
  await sim.run(40_000);
  for (const { name, events } of [nodes[3]!, twin]) {
    const conflict = events.find(({ event }) => event.kind === "name_conflict");
    assert.ok(conflict?.event.kind === "name_conflict", name);
    assert.ok(conflict.event.isOurs, name);
  }
  assert.ok(
    nodes.every((node) =>
      memberOf(node, "n3")?.host === nodes[3]!.node.local.host
    ),
  );
  return "5 nodes and a twin";
});

Deno.test("GossipSim: one seed twice gives one trace, another seed another", async () => {
  const first = await traceOf(SEED);
  assert.deepEqual(await traceOf(SEED), first);
  assert.notEqual((await traceOf(SEED + 1)).trace, first.trace);
});

async function traceOf(seed: number) {
  const sim = new GossipSim({ seed, packetLoss: 0.1, streamLoss: 0.1 });
  const nodes = await addNodes(sim, 12);
  await sim.run(20_000);
  await sim.crash(nodes[3]!);
  await sim.run(20_000);
  const events = sim.nodes.flatMap(({ name, events }) =>
    events.map(({ atMs, event }) => `${atMs} ${name} ${event.kind}`)
  );
  await sim.stop();
  return { trace: sim.trace, packets: sim.packets, events };
}

async function addNodes(sim: GossipSim, count: number): Promise<SimNode[]> {
  for (let i = 0; i < count; i++) {
    await sim.add(`n${i}`);
    await sim.run(20);
  }
  return [...sim.nodes];
}

async function converge(
  sim: GossipSim,
  nodes: readonly SimNode[],
  timeoutMs: number,
): Promise<number> {
  const names = namesOf(nodes);
  const tookMs = await sim.runUntil(
    () => sim.all(nodes, names, "alive"),
    { timeoutMs, stepMs: 500 },
  );
  assert.ok(tookMs !== undefined, `No agreement in ${timeoutMs} ms`);
  return tookMs;
}

/**
 * The time the papers give: five periods until someone's round robin meets the
 * dead node (all miss it with a chance of e^-5), one period of probing, the
 * shortest suspicion twice over as confirmations take their time too, and all
 * rounds of gossip that a message has.
 */
function knownBoundMs(members: number): number {
  const { probeIntervalMs, gossipIntervalMs, retransmitMultiplier } =
    TIMINGS_LAN;
  const rounds = transmissionsMax(retransmitMultiplier, members);
  return 6 * probeIntervalMs + 2 * suspicionMinMs(TIMINGS_LAN, members) +
    rounds * gossipIntervalMs;
}

function namesOf(nodes: readonly SimNode[]): string[] {
  return nodes.map(({ name }) => name);
}

function memberOf({ node }: SimNode, name: string) {
  return node.members().find((member) => member.name === name);
}

function print(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}
