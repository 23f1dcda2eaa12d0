/**
 * Pipelined, idempotent produce over one ProduceStream. Every request has the
 * producer's id and the next sequence number; after a broken connection, or when
 * another server leads, the requests without an answer are sent again, and the
 * log appends each once.
 *
 * Invariants:
 * 1. `#unacknowledged` holds the requests without an answer, in order.
 * 2. Answers come in that order, so an answer belongs to the first of them.
 */
import type { Accepted } from "../../core/cluster/proposal.ts";
import { PRODUCER_RECENT_COUNT } from "../../core/cluster/producer_table.ts";
import { ProglogError } from "../../core/errors.ts";
import type { BidiCall } from "../grpc/client.ts";
import {
  decodeProduceResponse,
  encodeProduceRequest,
} from "../rpc/messages.ts";
import { AnswerWatch } from "./answer_watch.ts";
import type { ConnectionPool } from "./connection_pool.ts";
import type { EncodedRecords } from "./record_builder.ts";
import { asProglogError, Retry, type RetryEnvironment } from "./retry.ts";

export interface ProducerOptions extends RetryEnvironment {
  readonly pool: ConnectionPool;
  /** Log name; empty for the default log. */
  readonly log: string;
  /** How long a request may go without an answer, tries included. */
  readonly timeoutMs: number;
  /** `send` makes the caller wait above this many bytes without an answer. */
  readonly inFlightBytesMax: number;
}

interface Request {
  readonly message: Uint8Array;
  readonly resolve: (acknowledgement: Accepted) => void;
  readonly reject: (error: ProglogError) => void;
}

const PATH = "/log.v1.Log/ProduceStream";

export class Producer {
  readonly #options: ProducerOptions;
  readonly #producerId: bigint;
  #sequence = 0;
  #unacknowledged: Request[] = [];
  #inFlightBytes = 0;
  #call: BidiCall | undefined;
  #running: Promise<void> | undefined;
  #failure: ProglogError | undefined;
  #isClosing = false;
  #wakeSender: (() => void) | undefined;
  #lastFailure: ProglogError | undefined;
  readonly #watch: AnswerWatch;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#watch = new AnswerWatch({
      ...options,
      onSilence: () => this.#giveUp(),
    });
    const { random } = options;
    this.#producerId = BigInt(random.nextU32()) << 32n |
      BigInt(random.nextU32()) | 1n;
  }

  /**
   * Sends records as one atomic batch; resolves when they are durable. Rejects
   * with `overloaded` where the caller did not wait for `room`.
   */
  send(batch: EncodedRecords): Promise<Accepted> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#unacknowledged.length >= PRODUCER_RECENT_COUNT) {
      return Promise.reject(
        new ProglogError(
          "overloaded",
          `Cannot send as ${PRODUCER_RECENT_COUNT} requests wait for an answer`,
        ),
      );
    }
    this.#sequence += 1;
    const message = encodeProduceRequest({
      log: this.#options.log,
      records: batch.records,
      producerId: this.#producerId,
      sequence: this.#sequence,
    });
    return new Promise((resolve, reject) => {
      this.#unacknowledged.push({ message, resolve, reject });
      this.#inFlightBytes += message.length;
      this.#watch.begin();
      this.#trySend(message);
      this.#running ??= this.#run();
    });
  }

  /**
   * Resolves when another `send` stays within the bounds: of bytes, and of
   * requests whose offsets the log still knows for a retry. Throws the failure.
   */
  async room(): Promise<void> {
    while (this.#isFull()) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => this.#wakeSender = resolve);
    }
  }

  #isFull(): boolean {
    return this.#inFlightBytes > this.#options.inFlightBytesMax ||
      this.#unacknowledged.length >= PRODUCER_RECENT_COUNT;
  }

  /** Waits for all answers and ends the stream; throws the failure. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#unacknowledged.length === 0) this.#call?.requests.end();
    await this.#running;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Keeps a stream open and reads its answers until all is answered or fails. */
  async #run(): Promise<void> {
    let retry = new Retry(this.#options, this.#options.timeoutMs);
    while (!this.#isDone()) {
      try {
        await this.#stream(() => {
          retry = new Retry(this.#options, this.#options.timeoutMs);
        });
      } catch (error) {
        if (this.#isDone()) return;
        const failure = asProglogError(error);
        this.#lastFailure = failure;
        await retry.pause(failure).catch((last) => this.#fail(last));
      }
    }
  }

  #isDone(): boolean {
    return this.#failure !== undefined ||
      (this.#isClosing && this.#unacknowledged.length === 0);
  }

  /** One stream: sends what has no answer yet, then takes answers. */
  async #stream(onAnswer: () => void): Promise<void> {
    const { pool } = this.#options;
    const route = await pool.route("write");
    // Given up while it was dialled: nothing would end a call opened now.
    if (this.#isDone()) return;
    const call = route.client.bidi(PATH);
    this.#call = call;
    // Another server may pass writes on, but the leader is one hop nearer.
    const leave = () => call.responses.return?.();
    const forgetLeader = pool.onLeader((leader) => {
      if (leader !== route.address) leave();
    });
    const forgetStray = pool.onStray((address) => {
      if (address === route.address) leave();
    });
    try {
      await this.#converse(call, onAnswer);
    } catch (error) {
      pool.failed(route, asProglogError(error));
      throw error;
    } finally {
      forgetLeader();
      forgetStray();
      this.#call = undefined;
    }
    if (!this.#isDone()) {
      throw new ProglogError("unavailable", "The agent ended the stream");
    }
  }

  async #converse(call: BidiCall, onAnswer: () => void): Promise<void> {
    for (const { message } of this.#unacknowledged) call.requests.send(message);
    for await (const answer of call.responses) {
      onAnswer();
      this.#acknowledge(decodeProduceResponse(answer));
      if (this.#isDone()) call.requests.end();
    }
  }

  #acknowledge(acknowledgement: Accepted): void {
    const request = this.#unacknowledged.shift();
    if (request === undefined) return;
    this.#inFlightBytes -= request.message.length;
    this.#watch.answered();
    if (this.#unacknowledged.length === 0) this.#watch.end();
    request.resolve(acknowledgement);
    this.#wakeSender?.();
  }

  #trySend(message: Uint8Array): void {
    try {
      this.#call?.requests.send(message);
    } catch (_) {
      // The stream is over; `#run` learns why and sends the message again.
      this.#call = undefined;
    }
  }

  /** No answer in time: whatever went wrong last is the reason. */
  #giveUp(): void {
    this.#fail(
      this.#lastFailure ?? new ProglogError(
        "deadline_exceeded",
        `Nobody acknowledged the records in ${this.#options.timeoutMs} ms`,
      ),
    );
    this.#call?.responses.return?.();
  }

  #fail(failure: ProglogError): void {
    this.#failure ??= failure;
    this.#watch.end();
    for (const request of this.#unacknowledged) request.reject(failure);
    this.#unacknowledged = [];
    this.#wakeSender?.();
  }
}
