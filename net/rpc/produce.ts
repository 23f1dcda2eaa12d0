/**
 * Produce and ProduceStream. Both check a request, propose it and answer when
 * it is durable; the stream does so without waiting between requests.
 */
import { ProglogError } from "../../core/errors.ts";
import { STREAM_IN_FLIGHT_BYTES_MAX } from "../../core/limits.ts";
import { checkRecords } from "../../core/log/mod.ts";
import type { MessageSink, ServerCall } from "../grpc/types.ts";
import { AckQueue } from "./ack_queue.ts";
import {
  type Accepted,
  DEFAULT_LOG,
  findLog,
  type Proposal,
  type ServiceBackend,
} from "./backend.ts";
import {
  decodeProduceRequest,
  encodeProduceResponse,
  type ProduceRequest,
} from "./messages.ts";

export async function produce(
  backend: ServiceBackend,
  message: Uint8Array,
  call: ServerCall,
): Promise<Uint8Array> {
  const request = decodeProduceRequest(message);
  return encodeProduceResponse(await propose(backend, request, call));
}

export async function produceStream(
  backend: ServiceBackend,
  messages: AsyncIterable<Uint8Array>,
  sink: MessageSink,
  call: ServerCall,
): Promise<void> {
  const acks = new AckQueue<Accepted>({
    bytesMax: STREAM_IN_FLIGHT_BYTES_MAX,
    send: (accepted) => sink.send(encodeProduceResponse(accepted)),
    drained: () => sink.drained(),
  });
  for await (const message of messages) {
    const request = decodeProduceRequest(message);
    acks.add(propose(backend, request, call), request.records.length);
    await acks.room();
  }
  await acks.allSent();
}

function propose(
  backend: ServiceBackend,
  request: ProduceRequest,
  call: ServerCall,
): Promise<Accepted> {
  const name = request.log === "" ? DEFAULT_LOG : request.log;
  backend.guard.authorize(call, name, "produce");
  return findLog(backend, name).propose(proposalOf(request));
}

function proposalOf(request: ProduceRequest): Proposal {
  const check = checkRecords(request.records);
  if (!check.ok) {
    throw new ProglogError(
      "invalid_argument",
      `Cannot append the records as ${check.reason} at byte ${check.position}`,
    );
  }
  if (check.count === 0) {
    throw new ProglogError(
      "invalid_argument",
      "Cannot append as the request has no record",
    );
  }
  const { records, producerId, sequence } = request;
  if (producerId === 0n) return { records, count: check.count };
  return {
    records,
    count: check.count,
    producer: { id: producerId, sequence },
  };
}
