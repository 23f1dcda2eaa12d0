/** Whole nodes in situations that chance seldom brings about. */
import assert from "node:assert/strict";
import { Trace } from "../trace.ts";
import { NodeWorld } from "./node_world.ts";
import { drawOptions } from "./options.ts";
import { step } from "./step.ts";
import { whyApart } from "./together.ts";

const QUIET = {
  ...drawOptions(1),
  machineCount: 4,
  loss: 0,
  duplication: 0,
  reordering: 0,
  delayMaxMs: 2,
  syncMaxMs: 1,
  clockSkew: 0,
} as const;

Deno.test("nodes that all restart while the network is split are one cluster again", async () => {
  const world = new NodeWorld(QUIET, new Trace({ mode: "off" }));
  const hosts = [...world.hosts.values()];
  for (const host of hosts) host.start();
  await until(world, 30_000);
  assert.equal(apart(world), undefined);
  world.network.split({ from: ["a", "b"], to: ["c", "d"], ways: "both" });
  for (const host of hosts) host.crash();
  for (const node of world.nodes.values()) world.move(node);
  for (const host of hosts) host.start();
  await until(world, 120_000);
  world.network.heal();
  await until(world, 210_000);
  assert.equal(apart(world), undefined);
});

function apart(world: NodeWorld): string | undefined {
  return whyApart(world, [...world.nodes.values()]);
}

async function until(world: NodeWorld, endMs: number): Promise<void> {
  while (await step(world, endMs));
  assert.equal(world.violation, undefined);
}
