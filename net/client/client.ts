/**
 * The TypeScript client: produce, consume and ask, over any agent's address.
 */
import { create, fromBinary, toBinary } from "../rpc/protobuf.ts";
import type { Accepted } from "../../core/cluster/proposal.ts";
import type { Clock, Random, Scheduler } from "../../core/env.ts";
import {
  type GetServersResponse,
  GetServersResponseSchema,
} from "../rpc/gen/log/v1/log_pb.ts";
import {
  type GetStatusResponse,
  GetStatusResponseSchema,
  GossipKeyRequestSchema,
  type GossipKeyResponse,
  GossipKeyResponseSchema,
  type KeyOperation,
  type MembersResponse,
  MembersResponseSchema,
  RemoveNodeRequestSchema,
  type RemoveNodeResponse,
  RemoveNodeResponseSchema,
  TransferLeaderRequestSchema,
  type TransferLeaderResponse,
  TransferLeaderResponseSchema,
  TrimRequestSchema,
  type TrimResponse,
  TrimResponseSchema,
} from "../rpc/gen/proglog/v1/admin_pb.ts";
import {
  type Consistency,
  type ConsumeBatch,
  decodeProduceResponse,
  encodeProduceRequest,
  type Start,
} from "../rpc/messages.ts";
import { ConnectionPool } from "./connection_pool.ts";
import type { Dial } from "./connections.ts";
import { consumeBatches } from "./consumer.ts";
import { Producer } from "./producer.ts";
import type { EncodedRecords } from "./record_builder.ts";
import type { CallKind } from "./picker.ts";
import { asProglogError, isSurelyNotDone, Retry } from "./retry.ts";

const IN_FLIGHT_BYTES_DEFAULT = 8 * 1024 * 1024;
const BATCH_BYTES_DEFAULT = 512 * 1024;
const NO_BYTES = new Uint8Array(0);

export interface ClientEnvironment {
  /** "host:port" of one or more agents. */
  readonly addresses: readonly string[];
  readonly dial: Dial;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** How long anything may take, tries included. */
  readonly timeoutMs: number;
}

export interface ConsumeRange {
  readonly log?: string;
  readonly start?: Start;
  readonly offset?: number;
  readonly follow?: boolean;
  /** How fresh the first batch is; default "local". */
  readonly consistency?: Consistency;
  readonly batchBytesMax?: number;
  readonly signal?: AbortSignal;
}

export class ProglogClient {
  readonly #env: ClientEnvironment;
  readonly #pool: ConnectionPool;

  constructor(env: ClientEnvironment) {
    this.#env = env;
    this.#pool = new ConnectionPool(env);
  }

  /** Pipelined and idempotent; for more than a few records. */
  producer(
    options: { log?: string; inFlightBytesMax?: number } = {},
  ): Producer {
    return new Producer({
      ...this.#env,
      pool: this.#pool,
      log: options.log ?? "",
      inFlightBytesMax: options.inFlightBytesMax ?? IN_FLIGHT_BYTES_DEFAULT,
    });
  }

  /**
   * One request, one answer. It has no idempotency key: it is tried again only
   * where it was surely not appended, otherwise `unavailable` leaves it open.
   */
  async produce(batch: EncodedRecords, log = ""): Promise<Accepted> {
    const request = encodeProduceRequest({
      log,
      records: batch.records,
      producerId: 0n,
      sequence: 0,
    });
    return decodeProduceResponse(
      await this.#unary(WRITE, "/log.v1.Log/Produce", request),
    );
  }

  /** Batches in order; mends broken connections behind the iterator. */
  consume(range: ConsumeRange): AsyncGenerator<ConsumeBatch, void, undefined> {
    const { signal } = range;
    return consumeBatches({
      ...this.#env,
      pool: this.#pool,
      log: range.log ?? "",
      start: range.start ?? "offset",
      offset: range.offset ?? 0,
      follow: range.follow ?? false,
      consistency: range.consistency ?? "local",
      batchBytesMax: range.batchBytesMax ?? BATCH_BYTES_DEFAULT,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async servers(): Promise<GetServersResponse["servers"]> {
    const answer = await this.#unary(ASK, "/log.v1.Log/GetServers", NO_BYTES);
    return fromBinary(GetServersResponseSchema, answer).servers;
  }

  async status(): Promise<GetStatusResponse> {
    const answer = await this.#unary(
      ASK,
      "/proglog.v1.Admin/GetStatus",
      NO_BYTES,
    );
    return fromBinary(GetStatusResponseSchema, answer);
  }

  async trim(request: { log: string; before: number }): Promise<TrimResponse> {
    const message = create(TrimRequestSchema, {
      log: request.log,
      beforeOffset: BigInt(request.before),
    });
    const answer = await this.#unary(
      ASK,
      "/proglog.v1.Admin/Trim",
      toBinary(TrimRequestSchema, message),
    );
    return fromBinary(TrimResponseSchema, answer);
  }

  /** Everyone that gossip knows. */
  async gossipKey(
    request: { operation: KeyOperation; key: string },
  ): Promise<GossipKeyResponse> {
    const message = create(GossipKeyRequestSchema, request);
    const answer = await this.#unary(
      ASK,
      "/proglog.v1.Admin/GossipKey",
      toBinary(GossipKeyRequestSchema, message),
    );
    return fromBinary(GossipKeyResponseSchema, answer);
  }

  async members(): Promise<MembersResponse["members"]> {
    const answer = await this.#unary(
      ASK,
      "/proglog.v1.Admin/Members",
      NO_BYTES,
    );
    return fromBinary(MembersResponseSchema, answer).members;
  }

  /** Resolves when another server leads. `to`: name or id of a voter. */
  async transferLeader(
    request: { log?: string; to?: string },
  ): Promise<TransferLeaderResponse> {
    const message = create(TransferLeaderRequestSchema, request);
    const answer = await this.#unary(
      WRITE,
      "/proglog.v1.Admin/TransferLeader",
      toBinary(TransferLeaderRequestSchema, message),
    );
    return fromBinary(TransferLeaderResponseSchema, answer);
  }

  /** Takes a node out of the cluster, or says what that would do. */
  async removeNode(
    request: { node: string; mode: "dry_run" | "remove" },
  ): Promise<RemoveNodeResponse> {
    const { node, mode } = request;
    const message = create(RemoveNodeRequestSchema, {
      node,
      dryRun: mode === "dry_run",
    });
    const answer = await this.#unary(
      WRITE,
      "/proglog.v1.Admin/RemoveNode",
      toBinary(RemoveNodeRequestSchema, message),
    );
    return fromBinary(RemoveNodeResponseSchema, answer);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  /** Throws ProglogError. With no server in reach it does not wait for one. */
  async #unary(
    work: Work,
    path: string,
    request: Uint8Array,
  ): Promise<Uint8Array> {
    const { timeoutMs, clock } = this.#env;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    const retry = new Retry(this.#env, timeoutMs);
    for (;;) {
      const route = await this.#pool.route(work.kind);
      try {
        return await route.client.unary(path, request, { deadlineMs });
      } catch (error) {
        const failure = asProglogError(error);
        this.#pool.failed(route, failure);
        const isSafe = work.isRepeatable === "yes" || isSurelyNotDone(error);
        if (!isSafe || clock.monotonicMs() >= deadlineMs) throw failure;
        await retry.pause(failure);
      }
    }
  }
}

interface Work {
  readonly kind: CallKind;
  /** "yes": twice is the same as once. */
  readonly isRepeatable: "yes" | "no";
}

const WRITE: Work = { kind: "write", isRepeatable: "no" };
const ASK: Work = { kind: "ask", isRepeatable: "yes" };
