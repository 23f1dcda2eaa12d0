/**
 * What happens to the disks and the logs of whole nodes, and what operators do
 * to them: slow and full disks, retention ahead of slow followers, leadership
 * that is handed over.
 */
import { offset } from "../../../core/ids.ts";
import { SeededRandom } from "../random.ts";
import type { NodeWorld } from "./node_world.ts";
import type { NodeSimOptions } from "./options.ts";
import type { SimNode } from "./sim_node.ts";

const SLOW_SYNC_MAX_MS = 2_500;
const FREE_MAX_BYTES = 2_000;
const TROUBLE_MS: readonly number[] = [500, 3_000, 10_000];

export class DiskNemesis {
  readonly #world: NodeWorld;
  readonly #options: NodeSimOptions;
  readonly #random: SeededRandom;

  constructor(world: NodeWorld, options: NodeSimOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = new SeededRandom(options.seed ^ 0xd15c);
  }

  start(): void {
    const world = this.#world;
    const options = this.#options;
    world.every(options.slowDiskEveryMs, () => this.#slowDown());
    world.every(options.fullDiskEveryMs, () => this.#fill());
    world.every(options.trimEveryMs, () => this.#trim());
    world.every(options.transferEveryMs, () => this.#transfer());
  }

  calm(): void {
    for (const node of this.#world.nodes.values()) this.#mend(node);
  }

  #slowDown(): void {
    const node = this.#pick();
    this.#did("slow_disk", node.id);
    node.trouble = "slow disk";
    node.syncMaxMs = SLOW_SYNC_MAX_MS;
    this.#mendLater(node);
  }

  #fill(): void {
    const node = this.#pick();
    const { disk } = node;
    this.#did("full_disk", node.id);
    node.trouble = "full disk";
    disk.capacityBytes = 0;
    const freeBytes = this.#random.below(FREE_MAX_BYTES);
    disk.capacityBytes = -disk.freeBytes("/") + freeBytes;
    this.#mendLater(node);
  }

  #mendLater(node: SimNode): void {
    const forMs = this.#random.pick(TROUBLE_MS);
    this.#world.events.after(forMs, () => this.#mend(node));
  }

  #mend(node: SimNode): void {
    node.trouble = undefined;
    node.disk.capacityBytes = Infinity;
    node.syncMaxMs = this.#world.isStormy ? this.#options.syncMaxMs : 2;
  }

  /** Retention knows nothing of slow followers. */
  #trim(): void {
    const node = this.#pick();
    const { replica } = node;
    if (replica === undefined || !this.#world.isReachable(node)) return;
    const { lowestOffset, nextOffset } = replica;
    const before = this.#random.chance(0.5)
      ? nextOffset
      : this.#random.between({ from: lowestOffset, to: nextOffset });
    replica.trim(offset(before)).then(
      (bytes) => {
        if (bytes > 0) this.#did("trim", `${node.id} ${before}`);
      },
      () => this.#world.saw("trim_refused"),
    );
  }

  #transfer(): void {
    const leader = [...this.#world.nodes.values()].find((node) =>
      this.#world.isReachable(node) && node.replica?.isLeader
    );
    const to = this.#pick().nodeId;
    if (leader?.replica === undefined || to === undefined) return;
    leader.replica.transferLeadership(to).then(
      ({ ok }) => {
        if (ok) this.#did("transfer", to);
      },
      () => this.#world.saw("transfer_ended"),
    );
  }

  #did(sight: string, what: string): void {
    this.#world.saw(sight);
    this.#world.note(`${sight} ${what}`);
  }

  #pick(): SimNode {
    return this.#random.pick([...this.#world.nodes.values()]);
  }
}
