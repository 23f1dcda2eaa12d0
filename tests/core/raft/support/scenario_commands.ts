/**
 * The commands of scenario files: one line of words in, trace lines out.
 */
import type { RaftConfig } from "../../../../core/raft/config.ts";
import type { ConfigurationChange } from "../../../../core/raft/configuration.ts";
import { renderEntry, renderMessage } from "./render.ts";
import { type Filter, ScenarioWorld } from "./scenario_world.ts";

type Command = (world: ScenarioWorld, args: readonly string[]) => void;

const COMMANDS: Readonly<Record<string, Command>> = {
  config: (world, args) => {
    for (const arg of args) {
      const [name, value] = split(arg);
      Object.assign(
        world.config,
        { [name]: Number(value) } as Partial<RaftConfig>,
      );
    }
  },
  cluster: (world, args) => {
    for (const id of args) world.add(id, args);
  },
  join: (world, args) => {
    for (const id of args) world.add(id, []);
  },
  advance: (world, [byMs]) => world.advance(Number(byMs)),
  run: (world, [byMs]) => world.run(Number(byMs)),
  wake: (world, [id = ""]) => world.wake(world.node(id)),
  elect: (world, [id = ""]) => {
    quietly(world, () => {
      world.wake(world.node(id));
      world.deliver({});
    });
    const { role, term } = world.node(id).raft.status;
    world.say(`${id} is ${role} in term ${term}`);
  },
  deliver: (world, args) => world.deliver(filterOf(args)),
  settle: (world, args) => quietly(world, () => world.deliver(filterOf(args))),
  drop: (world, args) => world.say(`dropped ${world.drop(filterOf(args))}`),
  duplicate: (world, args) => world.duplicate(filterOf(args)),
  queue: (world) => world.queue.forEach((it) => world.say(renderMessage(it))),
  cut: (world, [one = "", other = ""]) => {
    world.cut(one, other);
    world.cut(other, one);
  },
  "cut-way": (world, [from = "", to = ""]) => world.cut(from, to),
  isolate: (world, [id = ""]) => {
    for (const other of world.nodes.keys()) {
      world.cut(id, other);
      world.cut(other, id);
    }
  },
  heal: (world) => world.heal(),
  crash: (world, [id = ""]) => world.crash(id),
  restart: (world, [id = ""]) => {
    world.restart(id);
    world.settle(world.node(id));
  },
  "slow-disk": (world, [id = ""]) => world.slowDisks.add(id),
  "fast-disk": (world, [id = ""]) => world.slowDisks.delete(id),
  sync: (world, [id = ""]) => world.sync(world.node(id)),
  compact: (world, [id = "", index]) => world.compact(id, Number(index)),
  propose: (world, [id = "", ...texts]) => {
    const node = world.node(id);
    for (const text of texts) {
      const result = node.raft.propose({ text, sizeBytes: text.length });
      world.say(
        result.ok ? `${text} at ${result.index}` : `refused: ${result.reason}`,
      );
    }
    world.settle(node);
  },
  change: (world, [id = "", kind, member = ""]) => {
    const node = world.node(id);
    const result = node.raft.proposeConfigurationChange(
      changeOf(kind, member),
    );
    world.say(result.ok ? `at ${result.index}` : `refused: ${result.reason}`);
    world.settle(node);
  },
  read: (world, [id = "", context, mode = "quorum"]) => {
    const node = world.node(id);
    const result = node.raft.readIndex({
      context: Number(context),
      mode: mode === "lease" ? "lease" : "quorum",
    });
    if (!result.ok) world.say(`refused: ${result.reason}`);
    world.settle(node);
  },
  transfer: (world, [id = "", to = ""]) => {
    const node = world.node(id);
    const result = node.raft.transferLeadership(to);
    world.say(result.ok ? "started" : `refused: ${result.reason}`);
    world.settle(node);
  },
  retire: (world, [id = ""]) => {
    world.node(id).raft.retire();
    world.settle(world.node(id));
  },
  unreachable: (world, [id = "", peer = ""]) => {
    world.node(id).raft.unreachable(peer);
    world.settle(world.node(id));
  },
  "full-disk": (world, [id = ""]) => {
    world.node(id).isDiskFull = true;
  },
  "free-disk": (world, [id = ""]) => {
    world.node(id).isDiskFull = false;
    world.node(id).raft.writeRecovered();
  },
  log: (world, args) => {
    for (const id of args) {
      const { log } = world.node(id);
      const entries = log.entries.map(renderEntry).join(" ");
      const start = log.start.index > 0 ? `after ${log.start.index}: ` : "";
      world.say(`${id} ${start}${entries}`);
    }
  },
  status: (world, args) => {
    const ids = args.length > 0 ? args : [...world.nodes.keys()];
    for (const id of ids) {
      const { role, term, commitIndex, lastIndex, durableIndex } =
        world.node(id).raft.status;
      world.say(
        `${id} ${role} term ${term} commit ${commitIndex} last ${lastIndex} durable ${durableIndex}`,
      );
    }
  },
  peers: (world, [id = ""]) => {
    for (const peer of world.node(id).raft.status.peers) {
      world.say(`${peer.id} ${peer.state} match ${peer.matchIndex}`);
    }
  },
};

export function runCommand(world: ScenarioWorld, line: string): void {
  const [name = "", ...args] = line.split(/\s+/);
  const command = COMMANDS[name];
  if (command === undefined) throw new Error(`No command ${name}`);
  command(world, args);
}

function quietly(world: ScenarioWorld, work: () => void): void {
  const before = world.takeOutput();
  work();
  world.takeOutput();
  for (const line of before) world.say(line);
}

function changeOf(kind: string | undefined, id: string): ConfigurationChange {
  switch (kind) {
    case "add_learner":
      return { kind, member: { id, name: id, address: `${id}:8400` } };
    case "promote":
    case "remove":
      return { kind, id };
    case "readdress":
      return { kind, id, address: `${id}-new:8400` };
    default:
      throw new Error(`No change ${kind}`);
  }
}

function filterOf(args: readonly string[]): Filter {
  return Object.fromEntries(args.map(split));
}

function split(arg: string): [string, string] {
  const [name = "", value = ""] = arg.split("=");
  return [name, value];
}
