/**
 * Clients of the simulated cluster: producers that repeat under a key until they
 * are answered, producers without a key that never repeat, and readers that ask
 * for fresh reads. They trust what the interface of a replica promises.
 */
import type { Accepted } from "../../../core/cluster/proposal.ts";
import { isProglogError } from "../../../core/errors.ts";
import { encodeRecords } from "../../../core/log/record.ts";
import { fail } from "../checker.ts";
import type { EventQueue } from "../event_queue.ts";
import type { SeededRandom } from "../random.ts";
import type { Replica } from "../../../net/runtime/replica/replica.ts";
import type { Truth } from "./truth.ts";

const PRODUCER_COUNT = 3;
const ANSWER_MAX_MS = 700;
const PAUSE_MAX_MS = 40;

const utf8 = new TextEncoder();

/** A node as its clients see it. */
export interface ServedNode {
  readonly id: string;
  readonly replica: Replica | undefined;
  /** Counts starts. */
  readonly life: number;
  /** Committed records that were not read before, in order. */
  unread(): Iterable<{ offset: number; value: string }>;
}

/** What clients need of the world they are in. */
export interface ServedCluster {
  readonly events: EventQueue;
  readonly truth: Truth;
  readonly random: SeededRandom;
  readonly nodes: ReadonlyMap<string, ServedNode>;
  readonly isStormy: boolean;
  pickServer(random: SeededRandom): ServedNode | undefined;
  isReachable(node: ServedNode): boolean;
  every(meanMs: number, action: () => void): void;
  saw(sight: string): void;
  note(text: string): void;
  broke(error: unknown): void;
}

interface Request {
  readonly values: readonly string[];
  /** The end of what was acknowledged when it was first sent. */
  readonly floor: number;
  readonly producer?: { readonly id: bigint; readonly sequence: number };
}

export class Clients {
  readonly #cluster: ServedCluster;
  readonly #random: SeededRandom;
  /** The longest wait of a producer between two requests. */
  readonly #pauseMaxMs: number;
  #plainCount = 0;

  constructor(cluster: ServedCluster, pauseMaxMs = PAUSE_MAX_MS) {
    this.#pauseMaxMs = pauseMaxMs;
    this.#cluster = cluster;
    this.#random = cluster.random.fork();
  }

  start(rhythm: { proposeEveryMs: number; readEveryMs: number }): void {
    for (let n = 1; n <= PRODUCER_COUNT; n++) {
      this.#produceNext({ id: BigInt(n), sequence: 1 });
    }
    const { cluster, random } = {
      cluster: this.#cluster,
      random: this.#random,
    };
    cluster.every(rhythm.proposeEveryMs * 3, () => this.#producePlainly());
    cluster.every(rhythm.readEveryMs, () => this.#read());
    cluster.every(rhythm.readEveryMs, () => {
      this.#observe(random.pick([...cluster.nodes.values()]));
    });
  }

  /** Reads all that is new on a node, and compares it with the truth. */
  #observe(node: ServedNode): void {
    if (!this.#cluster.isReachable(node)) return;
    for (const record of node.unread()) {
      this.#cluster.truth.saw(record, node.id);
    }
  }

  #produceNext(producer: { id: bigint; sequence: number }): void {
    const { id, sequence } = producer;
    const count = this.#random.between({ from: 1, to: 3 });
    const values = Array.from(
      { length: count },
      (_, n) => `p${id}-${sequence}/${n}`,
    );
    const floor = this.#cluster.truth.acknowledgedEnd;
    this.#try({ values, producer, floor }, (outcome) => {
      if (outcome !== "accepted") return;
      const delayMs = this.#random.between({ from: 0, to: this.#pauseMaxMs });
      this.#cluster.events.after(delayMs, () => {
        const next = { id, sequence: sequence + 1 };
        if (this.#cluster.isStormy) this.#produceNext(next);
      });
    });
  }

  /** Repeats until it is accepted, sometimes before it knows of the last try. */
  #try(request: Request, onEnd: (outcome: "accepted") => void): void {
    let isDone = false;
    const again = (): void => {
      const delayMs = this.#random.between({ from: 1, to: this.#pauseMaxMs });
      this.#cluster.events.after(delayMs, () => {
        if (!isDone) this.#try(request, onEnd);
      });
    };
    this.#send(request, (outcome) => {
      if (isDone) return;
      isDone = outcome === "accepted";
      if (outcome === "accepted") onEnd("accepted");
      else again();
    });
    if (this.#random.chance(0.1)) this.#send(request, () => {});
  }

  /** One that is lost or refused is not repeated. */
  #producePlainly(): void {
    const values = [`plain-${++this.#plainCount}`];
    const floor = this.#cluster.truth.acknowledgedEnd;
    this.#send({ values, floor }, (outcome) => {
      if (outcome !== "refused") return;
      for (const value of values) this.#cluster.truth.refused(value);
    });
  }

  /** Calls `onOutcome` once; a late acknowledgement still counts as one. */
  #send(
    request: Request,
    onOutcome: (outcome: "accepted" | "refused" | "unknown") => void,
  ): void {
    const { events } = this.#cluster;
    const node = this.#cluster.pickServer(this.#random);
    const replica = node?.replica;
    if (node === undefined || replica === undefined) {
      events.after(1, () => onOutcome("refused"));
      return;
    }
    const { life } = node;
    let isOver = false;
    const end = (outcome: Parameters<typeof onOutcome>[0]): void => {
      if (isOver) return;
      isOver = true;
      onOutcome(outcome);
    };
    replica.propose(proposalOf(request)).then((accepted) => {
      if (life !== node.life) return;
      this.#acknowledge(node, request, accepted);
      end("accepted");
    }, (error) => {
      if (life !== node.life) return;
      const code = isProglogError(error) ? error.code : "assertion";
      this.#cluster.note(`${node.id} refuses ${request.values[0]}: ${code}`);
      end(this.#judge(error));
    }).catch((error) => this.#cluster.broke(error));
    events.after(ANSWER_MAX_MS, () => end("unknown"));
  }

  #judge(error: unknown): "refused" | "unknown" {
    if (!isProglogError(error)) throw error;
    this.#cluster.saw(`refused_${error.code}`);
    if (error.code === "out_of_order" || error.code === "already_exists") {
      fail(`Producers: ${error.message}`);
    }
    return error.code === "unavailable" ? "unknown" : "refused";
  }

  #acknowledge(
    node: ServedNode,
    request: Request,
    accepted: Accepted,
  ): void {
    const { values, floor } = request;
    const { truth } = this.#cluster;
    this.#cluster.note(
      `${node.id} acknowledges ${values[0]} at ${accepted.offset}`,
    );
    truth.acknowledgedAll(values, accepted, floor);
    this.#observe(node);
  }

  /** Sees all that was acknowledged before it was asked for. */
  #read(): void {
    const node = this.#cluster.pickServer(this.#random);
    const replica = node?.replica;
    if (node === undefined || replica === undefined) return;
    const { life } = node;
    const freshness = this.#random.pick(["leader", "linearizable"] as const);
    const floor = this.#cluster.truth.knownEnd;
    replica.readBarrier(freshness).then(() => {
      if (life !== node.life) return;
      this.#cluster.saw(`read_${freshness}`);
      this.#observe(node);
      const { nextOffset } = replica;
      if (nextOffset >= floor) return;
      fail(`Stale read: ${node.id} ends at ${nextOffset}, before ${floor}`);
    }, () => this.#cluster.saw("read_refused"))
      .catch((error) => this.#cluster.broke(error));
  }
}

function proposalOf({ values, producer }: Request) {
  const records = encodeRecords(
    values.map((value) => ({ value: utf8.encode(value) })),
  );
  const proposal = { records, count: values.length };
  return producer === undefined ? proposal : { ...proposal, producer };
}
