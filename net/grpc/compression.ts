/**
 * Message compression: "identity" and "gzip". What a compressed message grows
 * to is bounded while it is decompressed, not after.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { STATUS, StatusError } from "./status.ts";

export type Compression = "identity" | "gzip";

/** Value of `grpc-accept-encoding`, both roles. */
export const ACCEPT_ENCODING = "identity,gzip";

export function isCompression(name: string): name is Compression {
  return name === "identity" || name === "gzip";
}

export function compress(message: Uint8Array): Uint8Array {
  return gzipSync(message);
}

/**
 * @throws StatusError RESOURCE_EXHAUSTED when the message would be longer than
 * `sizeMaxBytes`, INTERNAL when it is damaged or was announced as "identity".
 */
export function decompress(
  message: Uint8Array,
  options: { compression: Compression; sizeMaxBytes: number },
): Uint8Array {
  if (options.compression === "identity") {
    throw new StatusError(
      STATUS.INTERNAL,
      "Cannot read a compressed message as grpc-encoding names no compression",
    );
  }
  try {
    return gunzipSync(message, { maxOutputLength: options.sizeMaxBytes });
  } catch (cause) {
    throw asStatus(cause, options.sizeMaxBytes);
  }
}

function asStatus(cause: unknown, sizeMaxBytes: number): StatusError {
  const code = cause instanceof Error && "code" in cause ? cause.code : "";
  if (code === "ERR_BUFFER_TOO_LARGE") {
    return new StatusError(
      STATUS.RESOURCE_EXHAUSTED,
      `Cannot receive a message that decompresses to over ${sizeMaxBytes} bytes`,
      { cause },
    );
  }
  return new StatusError(STATUS.INTERNAL, "Cannot decompress a message", {
    cause,
  });
}
