/**
 * Forwarding for a call with many messages. Each log that they name has a lane:
 * its unanswered messages in order, and one attachment to wherever the leader
 * is, this node included. When the attachment breaks, what has no answer yet is
 * sent again to the next leader, in order.
 *
 * Invariants of a lane:
 * 1. `#pending` holds what has no answer, in the order of the call.
 * 2. After a break nothing is sent again unless all of `#pending` may be.
 */
import { ProglogError } from "../../core/errors.ts";
import type { BidiCall } from "../grpc/client.ts";
import { StatusError } from "../grpc/status.ts";
import type { ForwardedWork, Forwarder, ForwardTarget } from "./forward.ts";
import { noLeader } from "./forward.ts";
import { dialFailure, type Failure, failureOf } from "./forward_outcome.ts";
import { onBehalfOf } from "./on_behalf.ts";

export class ForwardStream {
  readonly #forwarder: Forwarder;
  readonly #target: Omit<ForwardTarget, "log">;
  readonly #lanes = new Map<string, Lane>();

  constructor(forwarder: Forwarder, target: Omit<ForwardTarget, "log">) {
    this.#forwarder = forwarder;
    this.#target = target;
  }

  /** Resolves with the leader's answer to this message. */
  send(log: string, work: ForwardedWork): Promise<Uint8Array> {
    const known = this.#lanes.get(log);
    const lane = known ?? new Lane(this.#forwarder, { ...this.#target, log });
    if (known === undefined) this.#lanes.set(log, lane);
    return lane.send(work);
  }

  /** The call is over. */
  close(): void {
    for (const lane of this.#lanes.values()) lane.close();
  }
}

interface Pending extends ForwardedWork {
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
  /** What is known of it; "unknown" from when it is sent until it is answered. */
  outcome: "not_done" | "unknown";
}

/** Where messages go now. */
interface Attachment {
  send(pending: Pending): void;
  /** Resolves when nothing more will be answered; outcomes are set by then. */
  readonly broken: Promise<Failure>;
  close(): void;
}

class Lane {
  readonly #forwarder: Forwarder;
  readonly #target: ForwardTarget;
  #pending: Pending[] = [];
  #answeredCount = 0;
  #attachment: Attachment | undefined;
  #isRunning = false;
  #isClosed = false;

  constructor(forwarder: Forwarder, target: ForwardTarget) {
    this.#forwarder = forwarder;
    this.#target = target;
  }

  send(work: ForwardedWork): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        ...work,
        resolve,
        reject,
        outcome: "not_done",
      };
      this.#pending.push(pending);
      this.#attachment?.send(pending);
      if (!this.#isRunning) this.#run();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#attachment?.close();
  }

  /**
   * Attaches again and again while anything waits for an answer. Never rejects.
   * `#isRunning` falls in the same turn in which nothing was left to do: a
   * message that comes right after it starts another run.
   */
  async #run(): Promise<void> {
    this.#isRunning = true;
    const { call } = this.#target;
    try {
      let tries = this.#forwarder.tries(call);
      do {
        const answeredBefore = this.#answeredCount;
        const failure = await this.#attachOnce();
        if (this.#isClosed || this.#pending.length === 0) return;
        // Answers came: the time for the next ones begins anew.
        if (this.#answeredCount > answeredBefore) {
          tries = this.#forwarder.tries(call);
        }
        const outcome = this.#outcome;
        await tries.afterFailure({ ...failure, outcome }, "no");
      } while (!this.#isClosed);
    } catch (error) {
      for (const pending of this.#pending) pending.reject(error);
      this.#pending = [];
    } finally {
      this.#isRunning = false;
    }
  }

  /** Of all that waits: whether any of it must not be sent again. */
  get #outcome(): Failure["outcome"] {
    const isUnsafe = this.#pending.some((work) =>
      work.outcome === "unknown" && work.isRepeatable === "no"
    );
    return isUnsafe ? "unknown" : "not_done";
  }

  /** One attachment from its beginning to its end. */
  async #attachOnce(): Promise<Failure> {
    try {
      this.#attachment = await this.#attach();
    } catch (error) {
      return dialFailure(error);
    }
    const attachment = this.#attachment;
    for (const pending of [...this.#pending]) attachment.send(pending);
    if (this.#isClosed) attachment.close();
    const failure = await attachment.broken;
    this.#attachment = undefined;
    return failure;
  }

  async #attach(): Promise<Attachment> {
    const { log } = this.#target;
    const place = this.#forwarder.leader(log);
    if (place === undefined) throw noLeader(log);
    return place.kind === "here"
      ? this.#attachHere()
      : await this.#attachThere(place.address);
  }

  /** Breaks at the first failure, once all that was begun has settled. */
  #attachHere(): Attachment {
    const broken = Promise.withResolvers<Failure>();
    let first: Failure | undefined;
    let runningCount = 0;
    const run = async (pending: Pending) => {
      pending.outcome = "unknown";
      runningCount += 1;
      try {
        this.#answer(pending, await pending.doHere());
      } catch (error) {
        const failure = failureOf(error);
        pending.outcome = failure.outcome;
        first ??= failure;
      }
      runningCount -= 1;
      if (first !== undefined && runningCount === 0) broken.resolve(first);
    };
    return {
      send: (pending) => {
        if (first === undefined) run(pending).catch(broken.reject);
      },
      broken: broken.promise,
      close: () => broken.resolve(failureOf(endedEarly())),
    };
  }

  async #attachThere(address: string): Promise<Attachment> {
    const client = await this.#forwarder.client(address);
    const { path, call } = this.#target;
    const bidi = client.bidi(path, {
      metadata: onBehalfOf(call),
      signal: call.signal,
      ...(call.deadlineMs !== undefined && { deadlineMs: call.deadlineMs }),
    });
    return {
      send: (pending) => {
        pending.outcome = "unknown";
        trySend(bidi, pending.message);
      },
      broken: this.#readAnswers(bidi),
      close: () => bidi.requests.end(),
    };
  }

  async #readAnswers(bidi: BidiCall): Promise<Failure> {
    try {
      for await (const answer of bidi.responses) {
        const first = this.#pending[0];
        if (first !== undefined) this.#answer(first, answer);
      }
      return failureOf(endedEarly());
    } catch (error) {
      const failure = failureOf(error);
      const isUnseen = error instanceof StatusError &&
        error.outcome === "not_processed";
      // A stream is refused for its first message; of the others nobody knows.
      const refused = isUnseen ? this.#pending : this.#pending.slice(0, 1);
      for (const one of refused) one.outcome = failure.outcome;
      return failure;
    }
  }

  #answer(pending: Pending, answer: Uint8Array): void {
    const at = this.#pending.indexOf(pending);
    if (at < 0) return;
    if (at === 0) this.#pending.shift();
    else this.#pending.splice(at, 1);
    this.#answeredCount += 1;
    pending.resolve(answer);
  }
}

function endedEarly(): ProglogError {
  return new ProglogError("unavailable", "The leader ended the stream");
}

/** A stream that is over says so where its answers are read. */
function trySend(bidi: BidiCall, message: Uint8Array): void {
  try {
    bidi.requests.send(message);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
  }
}
