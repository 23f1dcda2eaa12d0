/**
 * What happens to whole nodes: crashes, pauses, partitions, all machines off at
 * once, leaves, moves to new addresses, lost disks, machines that come new.
 * Never two losses for good at a time: no cluster survives those.
 */
import { votersOf } from "../../../core/raft/configuration.ts";
import { SeededRandom } from "../random.ts";
import type { NodeWorld } from "./node_world.ts";
import type { NodeSimOptions } from "./options.ts";
import type { SimNode } from "./sim_node.ts";

/** What is believed of a node that is gone may be this old. */
const LOSS_REST_MS = 12_000;

/** In less than this no machine is on again: it is the process that died. */
const MACHINE_DOWN_MIN_MS = 4_000;

/** Of fewer none may be lost. */
const SAFE_VOTERS_MIN = 3;

export class NodeNemesis {
  readonly #world: NodeWorld;
  readonly #options: NodeSimOptions;
  readonly #random: SeededRandom;
  /** On which side of a cut clients are. */
  readonly #sides: SeededRandom;
  /** When somebody last went on purpose, or lost its disk. */
  #lastLossMs = -Infinity;

  constructor(world: NodeWorld, options: NodeSimOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.random.fork();
    this.#sides = new SeededRandom(options.seed ^ 0x51de5);
  }

  start(): void {
    const world = this.#world;
    const options = this.#options;
    this.#switchOnAll();
    world.every(options.crashEveryMs, () => this.#crash(this.#pick()));
    world.every(options.pauseEveryMs, () => this.#pause());
    world.every(options.partitionEveryMs, () => this.#split());
    world.every(options.leaveEveryMs, () => this.#leave());
    world.every(options.wipeEveryMs, () => this.#wipe());
    world.every(options.blackoutEveryMs, () => this.#blackout());
    world.onMoment = (node) => {
      if (!world.isStormy || !this.#random.chance(options.awkwardCrash)) return;
      const delayMs = this.#random.pick([0, 1, 10, 100]);
      world.events.after(delayMs, () => {
        if (world.isStormy) this.#crash(node);
      });
    };
  }

  /** From here on nothing is broken. */
  calm(): void {
    const world = this.#world;
    world.note("-- all is well from here --");
    world.network.calm();
    for (const node of world.nodes.values()) {
      node.syncMaxMs = 2;
      const host = world.hosts.get(node.name);
      host?.resume();
      if (!world.gone.has(node.name)) host?.start();
    }
  }

  #switchOnAll(): void {
    const { events, hosts } = this.#world;
    for (const host of hosts.values()) {
      events.after(this.#random.below(3_000), () => host.start());
    }
    const names = [..."uvwx"].slice(0, this.#options.spareCount);
    for (const name of names) {
      const atMs = this.#random.between({ from: 5_000, to: 45_000 });
      events.after(atMs, () => {
        this.#did("new_machine", name);
        this.#world.add(name);
        this.#world.hosts.get(name)?.start();
      });
    }
  }

  #crash(node: SimNode): void {
    const host = this.#world.hosts.get(node.name);
    if (host === undefined || !host.isUp) return;
    this.#did("crash", node.id);
    const downMs = this.#random.pick([10, 1_000, 4_000, 15_000]);
    node.deathIsTold = downMs < MACHINE_DOWN_MIN_MS;
    host.crash();
    this.#comeBack(node, downMs);
  }

  #comeBack(node: SimNode, downMs: number): void {
    const world = this.#world;
    world.events.after(downMs, () => {
      const host = world.hosts.get(node.name);
      if (host === undefined || host.isUp || world.gone.has(node.name)) return;
      if (this.#random.chance(this.#options.moving)) {
        world.move(node);
        this.#did("readdress", `${node.id} ${node.address}`);
      }
      this.#did("restart", node.id);
      host.start();
    });
  }

  /** Sometimes they come back to a network in parts, and know nobody. */
  #blackout(): void {
    this.#did("blackout", "");
    if (this.#random.chance(0.5)) this.#split();
    for (const node of this.#world.nodes.values()) this.#crash(node);
  }

  #pause(): void {
    const { id, name } = this.#pick();
    const host = this.#world.hosts.get(name);
    if (host === undefined || !host.isUp || host.isPaused) return;
    this.#did("pause", id);
    host.pause();
    const pauseMs = this.#random.pick([300, 2_000, 9_000]);
    this.#world.events.after(pauseMs, () => host.resume());
  }

  #split(): void {
    const names = [...this.#world.nodes.keys()];
    const from = names.filter(() => this.#random.chance(0.5));
    const to = names.filter((name) => !from.includes(name));
    const ways = this.#random.chance(0.3) ? "one" : "both";
    for (const client of this.#world.clients) {
      const side = this.#sides.pick([from, to, []]);
      side.push(client);
    }
    this.#did(`partition_${ways}`, from.join(""));
    this.#world.network.split({ from, to, ways });
    const splitMs = this.#random.pick([500, 3_000, 10_000, 20_000]);
    this.#world.events.after(splitMs, () => this.#world.network.heal());
  }

  /** Comes back, or is gone for good and its machine is not seen again. */
  #leave(): void {
    const node = this.#pick();
    const world = this.#world;
    const host = world.hosts.get(node.name);
    if (!world.isReachable(node) || host === undefined) return;
    if (!this.#isWhole()) return;
    const isForGood = this.#random.chance(0.3);
    this.#lastLossMs = world.events.nowMs;
    this.#did(isForGood ? "leave_for_good" : "leave", node.id);
    if (node.replica?.isLeader) world.saw("leave_of_leader");
    if (isForGood) world.gone.add(node.name);
    const { life } = node;
    node.leave().then(() => {
      if (life !== node.life) return;
      host.crash();
      world.saw("left");
      this.#comeBack(node, this.#random.pick([100, 2_000, 10_000]));
    }).catch((error) => world.broke(error));
  }

  /** A majority has all without it, and soon a new node takes its place. */
  #wipe(): void {
    const node = this.#pick();
    const world = this.#world;
    if (!this.#isWhole()) return;
    this.#lastLossMs = world.events.nowMs;
    world.hosts.get(node.name)?.crash();
    node.wipe();
    this.#did("wipe", node.id);
    this.#comeBack(node, this.#random.pick([10, 1_000, 8_000]));
  }

  /** All that are members are up and vote, and nothing of it is under way. */
  #isWhole(): boolean {
    const world = this.#world;
    if (world.events.nowMs - this.#lastLossMs < LOSS_REST_MS) return false;
    const up = [...world.nodes.values()].filter((it) => world.isReachable(it));
    const leader = up.find(({ replica }) => replica?.isLeader)?.replica;
    if (leader === undefined) return false;
    const { configuration, configurationIndex, commitIndex } = leader.status();
    const ids = new Set(up.map(({ nodeId }) => nodeId));
    return configurationIndex <= commitIndex &&
      votersOf(configuration).length === configuration.members.length &&
      configuration.members.length >= SAFE_VOTERS_MIN &&
      configuration.members.every(({ id }) => ids.has(id));
  }

  #did(sight: string, what: string): void {
    this.#world.saw(sight);
    this.#world.note(`${sight} ${what}`);
  }

  #pick(): SimNode {
    return this.#random.pick([...this.#world.nodes.values()]);
  }
}
