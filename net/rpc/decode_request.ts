/**
 * Reads a request with the generated code: what cannot be read is the caller's
 * mistake, not ours. Callers: the handlers of everything but produce and consume.
 */
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { STATUS, StatusError } from "../grpc/status.ts";

/** Throws StatusError INVALID_ARGUMENT. */
export function decodeRequest<Schema extends DescMessage>(
  schema: Schema,
  bytes: Uint8Array,
) {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new StatusError(
      STATUS.INVALID_ARGUMENT,
      "Cannot decode the request",
      { cause },
    );
  }
}
