/**
 * Produce and ProduceStream. Both check a request, propose it and answer when
 * it is durable; the stream does so without waiting between requests.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Accepted, Proposal } from "../../core/cluster/proposal.ts";
import { ProglogError } from "../../core/errors.ts";
import { STREAM_IN_FLIGHT_BYTES_MAX } from "../../core/limits.ts";
import { checkRecords } from "../../core/log/record_walk.ts";
import type { MessageSink, ServerCall } from "../grpc/types.ts";
import { AckQueue } from "./ack_queue.ts";
import { DEFAULT_LOG, findLog, type ServiceBackend } from "./backend.ts";
import { ProduceRequestSchema } from "./gen/log/v1/log_pb.ts";
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
  const { records, count } = checkedRecords(request.records);
  const { producerId, sequence } = request;
  if (producerId === 0n) return { records, count };
  return { records, count, producer: { id: producerId, sequence } };
}

function checkedRecords(
  records: Uint8Array,
): { records: Uint8Array; count: number } {
  const check = checkRecords(records);
  if (!check.ok && check.reason === "server_field") {
    return checkedRecords(withoutServerFields(records));
  }
  if (!check.ok) {
    throw new ProglogError(
      "invalid_argument",
      `Cannot append the records as they are damaged at byte ${check.position} (${check.reason})`,
    );
  }
  if (check.count > 0) return { records, count: check.count };
  throw new ProglogError(
    "invalid_argument",
    "Cannot append as the request has no record",
  );
}

/** Clients of the reference may send records as they got them, with an offset. */
function withoutServerFields(records: Uint8Array): Uint8Array {
  const request = fromBinary(ProduceRequestSchema, records);
  for (const record of request.records) {
    record.offset = 0n;
    record.term = 0n;
  }
  return toBinary(ProduceRequestSchema, request);
}
