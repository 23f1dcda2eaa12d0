/**
 * Bits that flip on the disk of one founder while it is down. What may be told
 * from a torn write is damaged only: what nothing behind it proves durable is
 * cut, as docs/log_format.md says. Refused with the name of a damaged file, the
 * node is replaced; one node a run, so that a majority keeps its data.
 */
import { isProglogError } from "../../../core/errors.ts";
import { fail } from "../checker.ts";
import type { SeededRandom } from "../random.ts";
import { replace } from "./replacement.ts";
import type { ReplicaCluster } from "./replica_cluster.ts";
import { DIRECTORY, type ReplicaNode } from "./replica_node.ts";

const DOWN_MS = 50;
const SEGMENT_HEADER_BYTES = 72;
const SLOT_BYTES = 1024;

interface Spot {
  readonly kind: "index" | "segment" | "state" | "base";
  readonly path: string;
  readonly ranges: readonly { readonly from: number; readonly to: number }[];
}

export function planDecay(cluster: ReplicaCluster, everyMs: number): void {
  if (!Number.isFinite(everyMs)) return;
  const decay = new Decay(cluster);
  cluster.onCorrupt = (node, error) => decay.refused(node, error);
  cluster.every(everyMs, () => decay.strike());
}

class Decay {
  readonly #cluster: ReplicaCluster;
  readonly #random: SeededRandom;
  readonly #victim: string;
  /** Files whose damage is to be refused. */
  readonly #damaged = new Set<string>();

  constructor(cluster: ReplicaCluster) {
    this.#cluster = cluster;
    this.#random = cluster.random.fork();
    const founders = [...cluster.nodes.values()]
      .filter((node) => node.founders.length > 0);
    this.#victim = this.#random.pick(founders).id;
  }

  /** What retention or a reset has removed can be damaged no more. */
  #forgetDropped(node: ReplicaNode): void {
    for (const file of this.#damaged) {
      if (!node.disk.exists(file)) this.#damaged.delete(file);
    }
  }

  strike(): void {
    const cluster = this.#cluster;
    const node = cluster.nodes.get(this.#victim);
    const host = cluster.hosts.get(this.#victim);
    if (node === undefined || host === undefined || !host.isUp) return;
    this.#forgetDropped(node);
    if (node.replica !== undefined && this.#damaged.size > 0) {
      fail(`Decay: ${node.id} is open with damage in ${[...this.#damaged]}`);
    }
    host.crash();
    const spots = spotsOf(node);
    if (spots.length > 0) {
      const kinds = [...new Set(spots.map(({ kind }) => kind))];
      // A state file is always there: the others get their turn first.
      const others = kinds.filter((kind) => kind !== "state");
      const isOther = others.length > 0 && this.#random.chance(0.85);
      const kind = this.#random.pick(isOther ? others : kinds);
      this.#flip(
        node,
        this.#random.pick(spots.filter((it) => it.kind === kind)),
      );
    }
    cluster.events.after(DOWN_MS, () => host.start());
  }

  /** True when the damage that was done is what the node refuses. */
  refused(node: ReplicaNode, error: unknown): boolean {
    if (!isProglogError(error, "corrupt")) return false;
    const file = String(error.details["file"]);
    if (node.id !== this.#victim || !this.#damaged.has(file)) return false;
    const cluster = this.#cluster;
    cluster.saw("decay_refused");
    const newId = cluster.wipe(node.id);
    cluster.note(`${node.id} refuses ${file} and is ${newId} now`);
    replace(cluster, { id: node.id, newId });
    return true;
  }

  #flip({ id, disk }: ReplicaNode, { kind, path, ranges }: Spot): void {
    const content = disk.contentOf(path);
    for (const { from, to } of ranges) {
      const at = this.#random.between({ from, to: to - 1 });
      content[at] = (content[at] ?? 0) ^ (1 << this.#random.below(8));
    }
    disk.put(path, content);
    if (kind !== "index") this.#damaged.add(path);
    this.#cluster.saw(`decay_${kind}`);
    this.#cluster.note(`a bit of ${path} flips on ${id}`);
  }
}

function spotsOf({ disk }: ReplicaNode): Spot[] {
  const segments: { path: string; content: Uint8Array }[] = [];
  const spots: Spot[] = [];
  for (const path of disk.paths()) {
    const content = disk.contentOf(path);
    const whole = [{ from: 0, to: content.length }];
    if (content.length === 0) continue;
    if (path.endsWith(".index")) {
      spots.push({ kind: "index", path, ranges: whole });
    } else if (path.endsWith(".segment")) segments.push({ path, content });
    else if (path === `${DIRECTORY}/base`) {
      spots.push({ kind: "base", path, ranges: whole });
    } else if (path === `${DIRECTORY}/state`) {
      const ranges = [0, 4096].map((at) => ({ from: at, to: at + SLOT_BYTES }));
      spots.push({ kind: "state", path, ranges });
    }
  }
  return [...spots, ...provedEntries(segments)];
}

/** Entries that a whole one behind them says were durable. */
function provedEntries(
  segments: readonly { path: string; content: Uint8Array }[],
): Spot[] {
  const found: (Spot & { index: number })[] = [];
  let proved = 0;
  for (const { path, content } of segments) {
    const view = new DataView(content.slice().buffer);
    for (let at = SEGMENT_HEADER_BYTES; at + 64 <= view.byteLength;) {
      const to = at + view.getUint32(at + 16);
      if (view.getUint32(at) !== 0x706c6701 || to > view.byteLength) break;
      const index = Number(view.getBigUint64(at + 24));
      // A torn entry may claim anything: it is only believed as the next one.
      const last = found.at(-1);
      if (last !== undefined && index !== last.index + 1) break;
      if (last !== undefined) {
        const before = index - 1 - view.getUint32(at + 8);
        if (found.length > 1) {
          proved = Math.max(proved, Math.min(before, index - 2));
        }
      }
      found.push({ kind: "segment", path, ranges: [{ from: at, to }], index });
      at = to;
    }
  }
  // The last entries may be torn, and prove nothing then.
  const sure = found.slice(0, -4);
  return sure.filter(({ index }) => index < proved - 3);
}
