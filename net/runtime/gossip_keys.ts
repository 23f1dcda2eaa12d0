/**
 * Gossip keys for the whole cluster, by Serf's key queries: answers those of
 * others from our keyring, and asks all members and sums up their answers.
 */
import type {
  GossipEvent,
  ReceivedQuery,
} from "../../core/swim/serf/events.ts";
import {
  decodeKeyAnswer,
  decodeKeyRequest,
  encodeKeyAnswer,
  type KeyAnswer,
  type KeyOperation,
} from "../../core/swim/wire/serf_keys.ts";

/** What a keyring does for the queries; keys are base64. */
export interface GossipKeys {
  list(): readonly string[];
  add(key: string): Promise<void>;
  use(key: string): Promise<void>;
  remove(key: string): Promise<void>;
}

/** What the members said; each of `keys` with how many hold and use it. */
export interface KeyReport {
  readonly nodeCount: number;
  readonly answerCount: number;
  readonly failures: readonly {
    readonly node: string;
    readonly message: string;
  }[];
  readonly keys: readonly {
    readonly key: string;
    readonly installedCount: number;
    readonly primaryCount: number;
  }[];
}

/** Does what a key query asks for; the payload of the answer. */
export async function answerKeyQuery(
  operation: KeyOperation,
  query: ReceivedQuery,
  keys: GossipKeys | undefined,
): Promise<Uint8Array> {
  return encodeKeyAnswer(await changeKeys(operation, query.payload, keys));
}

async function changeKeys(
  operation: KeyOperation,
  payload: Uint8Array,
  keys: GossipKeys | undefined,
): Promise<KeyAnswer> {
  if (keys === undefined) return refusal("gossip is not encrypted here");
  try {
    if (operation === "list") {
      const all = keys.list();
      const primaryKey = all[0] ?? "";
      return { isDone: true, message: "", keys: all, primaryKey };
    }
    const key = decodeKeyRequest(payload);
    if (key === undefined) return refusal("the request is damaged");
    const text = key.toBase64();
    if (operation === "install") await keys.add(text);
    else if (operation === "use") await keys.use(text);
    else await keys.remove(text);
    return { isDone: true, message: "", keys: [], primaryKey: "" };
  } catch (error) {
    return refusal(error instanceof Error ? error.message : `${error}`);
  }
}

function refusal(message: string): KeyAnswer {
  return { isDone: false, message, keys: [], primaryKey: "" };
}

/** Sums up the answers to one key query. */
export class KeyPoll {
  readonly #nodeCount: number;
  readonly #answers = new Map<string, KeyAnswer>();
  readonly #done = Promise.withResolvers<KeyReport>();

  constructor(nodeCount: number) {
    this.#nodeCount = nodeCount;
  }

  /** Resolves when all have answered, or the query's time is over. */
  get report(): Promise<KeyReport> {
    return this.#done.promise;
  }

  /** Events of this poll's query. */
  take(event: GossipEvent): void {
    if (event.kind === "query_done") this.#finish();
    if (event.kind !== "query_response") return;
    const answer = decodeKeyAnswer(event.payload) ??
      refusal("the answer is damaged");
    this.#answers.set(event.from, answer);
    if (this.#answers.size >= this.#nodeCount) this.#finish();
  }

  #finish(): void {
    const counts = new Map<string, { installed: number; primary: number }>();
    const failures: { node: string; message: string }[] = [];
    for (const [node, answer] of this.#answers) {
      if (!answer.isDone) failures.push({ node, message: answer.message });
      for (const key of answer.keys) {
        const count = counts.get(key) ?? { installed: 0, primary: 0 };
        count.installed++;
        if (key === answer.primaryKey) count.primary++;
        counts.set(key, count);
      }
    }
    this.#done.resolve({
      nodeCount: this.#nodeCount,
      answerCount: this.#answers.size,
      failures,
      keys: [...counts].map(([key, { installed, primary }]) => ({
        key,
        installedCount: installed,
        primaryCount: primary,
      })),
    });
  }
}
