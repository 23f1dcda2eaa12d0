/**
 * One run of whole nodes: a storm in which anything may happen to them, then
 * calm, in which gossip, membership and logs must come together in time.
 */
import { fail } from "../checker.ts";
import { Clients } from "../replica/clients.ts";
import { checkRecords, checkReplicas } from "../replica/replica_checks.ts";
import { Trace } from "../trace.ts";
import { ClientWorld } from "./client_world.ts";
import { DiskNemesis } from "./disk_nemesis.ts";
import { NodeNemesis } from "./node_nemesis.ts";
import { NodeWorld } from "./node_world.ts";
import { drawOptions, type NodeSimOptions } from "./options.ts";
import { DATA_DIRECTORY, type SimNode } from "./sim_node.ts";
import { step } from "./step.ts";
import { whyApart } from "./together.ts";

const LOG_DIRECTORY = `${DATA_DIRECTORY}/logs/default`;
const PRODUCER_PAUSE_MAX_MS = 1_500;
const LOOK_EVERY_MS = 500;
/** After the last requests of clients. */
const AGAIN_MAX_MS = 5_000;
/** More in less time is a loop of messages. */
const STORM_EVENT_COUNT = 20_000;
const STORM_MS = 2_000;
const STOP_MAX_MS = 5_000;

export interface NodeSimResult {
  readonly options: NodeSimOptions;
  readonly violation: Error | undefined;
  readonly sights: ReadonlyMap<string, number>;
  readonly acknowledgedCount: number;
  readonly eventCount: number;
  /** From the beginning of the calm; undefined when they did not. */
  readonly togetherAfterMs: number | undefined;
}

export async function simulateNodes(
  seed: number,
  trace = new Trace({ mode: "off" }),
): Promise<NodeSimResult> {
  const options = drawOptions(seed);
  const world = new NodeWorld(options, trace);
  let togetherAfterMs: number | undefined;
  try {
    togetherAfterMs = await run(world, options);
  } catch (error) {
    world.broke(error);
  }
  const { violation, sights, truth, events } = world;
  if (violation) world.note(`BROKEN ${violation.message}`);
  return {
    options,
    violation,
    sights,
    acknowledgedCount: truth.acknowledgedCount,
    eventCount: events.ordinal,
    togetherAfterMs,
  };
}

async function run(world: NodeWorld, options: NodeSimOptions) {
  const nemesis = new NodeNemesis(world, options);
  nemesis.start();
  const disks = new DiskNemesis(world, options);
  disks.start();
  new Clients(world, PRODUCER_PAUSE_MAX_MS).start(options);
  const clients = new ClientWorld(world, options.seed);
  clients.start();
  await runUntil(world, options.safetyMs);
  world.isStormy = false;
  nemesis.calm();
  disks.calm();
  const tookMs = await comeTogether(
    world,
    world.gone.size > 0 ? options.reapedMaxMs : options.healMaxMs,
  );
  await clients.finish();
  await comeTogether(world, AGAIN_MAX_MS);
  const nodes = living(world);
  await stopLogs(world, nodes);
  await checkReplicas(nodes, LOG_DIRECTORY);
  return tookMs;
}

async function comeTogether(
  world: NodeWorld,
  maxMs: number,
): Promise<number> {
  const fromMs = world.events.nowMs;
  for (let tookMs = 0;; tookMs += LOOK_EVERY_MS) {
    await runUntil(world, fromMs + tookMs);
    const reason = whyApart(world, living(world));
    if (reason === undefined) {
      world.note(`together after ${tookMs} ms`);
      for (const node of living(world)) checkRecords(world.truth, node);
      return tookMs;
    }
    if (tookMs >= maxMs) fail(`Convergence: ${reason}`);
  }
}

function living(world: NodeWorld): SimNode[] {
  return [...world.nodes.values()].filter(({ name }) => !world.gone.has(name));
}

async function runUntil(world: NodeWorld, endMs: number) {
  const { events } = world;
  let countFrom = events.ordinal;
  let fromMs = events.nowMs;
  while (await step(world, endMs)) {
    if (world.violation !== undefined) throw world.violation;
    if (events.ordinal - countFrom < STORM_EVENT_COUNT) continue;
    if (events.nowMs - fromMs < STORM_MS) fail("Storm: events breed events");
    countFrom = events.ordinal;
    fromMs = events.nowMs;
  }
}

async function stopLogs(world: NodeWorld, nodes: readonly SimNode[]) {
  let isStopped = false;
  const stopped = Promise.all(nodes.map((node) => node.stopLog())).then(
    () => isStopped = true,
    (error) => world.broke(error),
  );
  const endMs = world.events.nowMs + STOP_MAX_MS;
  while (!isStopped && await step(world, endMs));
  if (world.violation !== undefined) throw world.violation;
  if (!isStopped) fail("Stop: a log does not end");
  await stopped;
}
