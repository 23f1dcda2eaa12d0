/**
 * Produce and ProduceStream. Both check a request, propose it and answer when
 * it is durable; the stream does so without waiting between requests. On a
 * follower the forwarder takes them to the leader.
 */
import { toBinary } from "@bufbuild/protobuf";
import type { Proposal } from "../../core/cluster/proposal.ts";
import { ProglogError } from "../../core/errors.ts";
import { STREAM_IN_FLIGHT_BYTES_MAX } from "../../core/limits.ts";
import { checkRecords } from "../../core/log/record_walk.ts";
import type { MessageSink, ServerCall } from "../grpc/types.ts";
import { AckQueue } from "./ack_queue.ts";
import { isForwarded } from "./on_behalf.ts";
import type { ForwardedWork } from "./forward.ts";
import { DEFAULT_LOG, findLog, type ServiceBackend } from "./backend.ts";
import { decodeRequest } from "./decode_request.ts";
import { ProduceRequestSchema } from "./gen/log/v1/log_pb.ts";
import {
  decodeProduceRequest,
  encodeProduceResponse,
  type ProduceRequest,
} from "./messages.ts";

const PATH_PRODUCE = "/log.v1.Log/Produce";
const PATH_PRODUCE_STREAM = "/log.v1.Log/ProduceStream";

export async function produce(
  backend: ServiceBackend,
  message: Uint8Array,
  call: ServerCall,
): Promise<Uint8Array> {
  const request = admit(backend, message, call);
  const { forwarder } = backend;
  if (forwarder === undefined) return await request.doHere();
  const { log } = request;
  return await forwarder.unary({ log, path: PATH_PRODUCE, call }, request);
}

export async function produceStream(
  backend: ServiceBackend,
  messages: AsyncIterable<Uint8Array>,
  sink: MessageSink,
  call: ServerCall,
): Promise<void> {
  const acks = new AckQueue<Uint8Array>({
    bytesMax: STREAM_IN_FLIGHT_BYTES_MAX,
    send: (answer) => sink.send(answer),
    drained: () => sink.drained(),
  });
  const forward = isForwarded(call)
    ? undefined
    : backend.forwarder?.stream({ path: PATH_PRODUCE_STREAM, call });
  const takeAll = async () => {
    for await (const message of messages) {
      await acks.room();
      const request = admit(backend, message, call);
      const answer = forward?.send(request.log, request) ?? request.doHere();
      acks.add(answer, message.length);
    }
    await acks.allSent();
  };
  try {
    // A client that waits for its answers sends nothing: a failure must not wait for it.
    await Promise.race([takeAll(), acks.failed]);
  } finally {
    forward?.close();
  }
}

interface Admitted extends ForwardedWork {
  readonly log: string;
}

/** Decoded and permitted; not yet checked, which the leader does. */
function admit(
  backend: ServiceBackend,
  message: Uint8Array,
  call: ServerCall,
): Admitted {
  const request = decodeProduceRequest(message);
  const name = request.log === "" ? DEFAULT_LOG : request.log;
  backend.guard.authorize(call, name, "produce");
  const log = findLog(backend, name);
  return {
    log: name,
    message,
    isRepeatable: request.producerId === 0n ? "no" : "yes",
    doHere: async () =>
      encodeProduceResponse(await log.propose(proposalOf(request))),
  };
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
  const request = decodeRequest(ProduceRequestSchema, records);
  for (const record of request.records) {
    record.offset = 0n;
    record.term = 0n;
  }
  return toBinary(ProduceRequestSchema, request);
}
