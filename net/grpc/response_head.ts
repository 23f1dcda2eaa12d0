/**
 * Head and trailers of a response, checked
 * (gRPC over HTTP/2 protocol, "Responses").
 */
import type { HeaderList } from "../http2/mod.ts";
import { isCompression } from "./compression.ts";
import { codeOfHttpStatus, readStatus, STATUS, StatusError } from "./status.ts";

export type ResponseHead =
  | { readonly kind: "accepted"; readonly encoding: string }
  /** 1xx: the real head follows. */
  | { readonly kind: "informational" }
  | { readonly kind: "refused"; readonly error: StatusError };

export function readResponseHead(headers: HeaderList): ResponseHead {
  const httpStatus = valueOf(headers, ":status");
  if (httpStatus?.startsWith("1") === true) return { kind: "informational" };
  const contentType = valueOf(headers, "content-type");
  if (httpStatus !== "200" || !isGrpc(contentType)) {
    return { kind: "refused", error: notGrpc(httpStatus, contentType) };
  }
  const encoding = valueOf(headers, "grpc-encoding") ?? "identity";
  if (isCompression(encoding)) return { kind: "accepted", encoding };
  return {
    kind: "refused",
    error: new StatusError(
      STATUS.INTERNAL,
      `Cannot read messages in grpc-encoding "${encoding}"`,
      { outcome: "unknown" },
    ),
  };
}

/** Trailers, or a head that is all there is; undefined for OK. */
export function readTrailers(headers: HeaderList): StatusError | undefined {
  const status = readStatus(headers);
  if (status !== "missing") return status;
  const httpStatus = valueOf(headers, ":status");
  if (httpStatus !== undefined) {
    return notGrpc(httpStatus, valueOf(headers, "content-type"));
  }
  return new StatusError(STATUS.UNKNOWN, "The trailers have no grpc-status", {
    outcome: "unknown",
  });
}

function valueOf(headers: HeaderList, name: string): string | undefined {
  for (const field of headers) if (field[0] === name) return field[1];
  return undefined;
}

function isGrpc(contentType: string | undefined): boolean {
  return contentType?.startsWith("application/grpc") ?? false;
}

function notGrpc(
  httpStatus: string | undefined,
  contentType: string | undefined,
): StatusError {
  return new StatusError(
    codeOfHttpStatus(httpStatus),
    `The server answered HTTP ${
      httpStatus ?? "without status"
    } with content-type "${contentType ?? ""}", not gRPC`,
    { outcome: "unknown" },
  );
}
